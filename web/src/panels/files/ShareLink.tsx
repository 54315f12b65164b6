import { useTranslation } from 'react-i18next';
import { Copy } from '../../look/Copy';
import { Qr } from '../../look/Qr';
import styles from './ShareLink.module.css';

/** A link to give away: to copy, and to be read by a camera. */
export function ShareLink({ link }: { link: string }) {
  const { t } = useTranslation('files');
  return (
    <div className={styles.share}>
      <Qr text={link} label={t('link.qr')} tooLong={t('link.tooLong')} />
      <div className={styles.words}>
        <Copy text={link} what={t('link.what')} keep={0} />
      </div>
    </div>
  );
}
