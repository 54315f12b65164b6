import { useMemo } from 'react';
import { encode } from 'uqr';
import { cx } from './cx';
import styles from './Qr.module.css';

export interface QrProps {
  text: string;
  /** What it leads to. */
  label: string;
  /** Shown in its place where the text is longer than a code can hold. */
  tooLong: string;
  /** As wide as there is room for, rather than beside other things. */
  large?: boolean;
}

/** A text as a QR code: dark on light in every theme, as cameras want it. */
export function Qr({ text, label, tooLong, large = false }: QrProps) {
  const code = useMemo(() => {
    try {
      const { data, size } = encode(text, { ecc: 'L', border: 2 });
      const dark = data.flatMap((row, y) => row.flatMap((on, x) => (on ? [`M${String(x)} ${String(y)}h1v1h-1z`] : [])));
      return { size: String(size), path: dark.join('') };
    } catch {
      return null;
    }
  }, [text]);
  if (code === null) return <p className="quiet">{tooLong}</p>;
  return (
    <svg
      className={cx(styles.qr, large && styles.large)}
      viewBox={`0 0 ${code.size} ${code.size}`}
      role="img"
      aria-label={label}
    >
      <path d={code.path} />
    </svg>
  );
}
