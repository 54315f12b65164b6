import { useTranslation } from 'react-i18next';
import { useServices } from '../../app/services';
import { Card } from '../../look/Card';
import { Empty } from '../../look/Empty';
import { GraphTable } from '../../look/GraphTable';
import { HubGraph } from '../../map/HubGraph';
import { DoingSign } from '../../map/DoingSign';
import type { Doing } from '../../map/hub';
import styles from './Hub.module.css';
import { PartnersTable } from './PartnersTable';

const SIGNS: Doing[] = ['busy', 'idle', 'degraded', 'off'];

function Legend() {
  const { t } = useTranslation('services');
  return (
    <ul className={styles.legend}>
      {SIGNS.map((doing) => (
        <li key={doing}>
          <DoingSign doing={doing} />
          {t(`legend.${doing}`)}
        </li>
      ))}
    </ul>
  );
}

/** The node as a hub, its services around it, and beyond them the peers they work with. */
export function Hub() {
  const { t } = useTranslation('services');
  const services = useServices();
  const label = t('hub.label', {
    all: services.length,
    on: services.filter(({ status }) => status.on).length,
    busy: services.filter(({ doing }) => doing === 'busy').length,
  });
  return (
    <Card title={t('hub.title')} caption={t('hub.caption')}>
      {services.length === 0 ? (
        <Empty title={t('hub.loading')} />
      ) : (
        <GraphTable
          label={t('hub.title')}
          legend={<Legend />}
          graph={<HubGraph services={services} label={label} self={t('hub.self')} partners />}
          table={<PartnersTable services={services} />}
        />
      )}
    </Card>
  );
}
