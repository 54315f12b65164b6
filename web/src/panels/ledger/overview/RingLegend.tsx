import { useTranslation } from 'react-i18next';
import styles from './Validators.module.css';

/** What the marks of the ring mean. */
export function RingLegend() {
  const { t } = useTranslation('ledger');
  return (
    <ul className={styles.legend}>
      <li>
        <i className={styles.filled} aria-hidden="true" />
        {t('ring.signed')}
      </li>
      <li>
        <i className={styles.hatched} aria-hidden="true" />
        {t('ring.missing')}
      </li>
      <li>
        <i className={styles.outlined} aria-hidden="true" />
        {t('ring.proposes')}
      </li>
    </ul>
  );
}
