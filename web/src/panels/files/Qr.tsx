import { useMemo } from 'react';
import { useTranslation } from 'react-i18next';
import { encode } from 'uqr';
import styles from './Qr.module.css';

/** A text as a QR code: dark on light in every theme, as cameras want it. */
export function Qr({ text, label }: { text: string; label: string }) {
  const { t } = useTranslation('files');
  const code = useMemo(() => {
    try {
      return encode(text, { ecc: 'L', border: 2 });
    } catch {
      // Longer than a code can hold.
      return null;
    }
  }, [text]);
  if (code === null) return <p className="quiet">{t('link.tooLong')}</p>;
  const dark = code.data.flatMap((row, y) =>
    row.flatMap((on, x) => (on ? [`M${String(x)} ${String(y)}h1v1h-1z`] : [])),
  );
  return (
    <svg className={styles.qr} viewBox={`0 0 ${String(code.size)} ${String(code.size)}`} role="img" aria-label={label}>
      <path d={dark.join('')} />
    </svg>
  );
}
