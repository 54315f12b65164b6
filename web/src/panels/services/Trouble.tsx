import { useTranslation } from 'react-i18next';
import { useServices } from '../../app/services';
import { Banner } from '../../look/Banner';
import styles from './Trouble.module.css';

/** Why a service does not work as it should, in the node's words, and what mends it. */
export function Trouble() {
  const { t } = useTranslation('services');
  const troubled = useServices().filter((service) => service.doing === 'degraded');
  if (troubled.length === 0) return null;
  return (
    <section aria-label={t('trouble.title')} className={styles.troubles}>
      {troubled.map(({ id, name, status }) =>
        status.health?.state === 'degraded' ? (
          <Banner key={id} tone="bad" title={`${name}: ${status.health.because}`}>
            {status.health.mend}
          </Banner>
        ) : null,
      )}
    </section>
  );
}
