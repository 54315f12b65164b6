import { useTranslation } from 'react-i18next';
import type { ServiceView } from '../../app/services';
import { Name } from '../../look/Name';
import { Table, type Column } from '../../look/Table';
import { TextLink } from '../../look/TextLink';
import styles from './PartnersTable.module.css';

const MOST_NAMED = 8;

/** The hub as a table: what each service does and with whom. */
export function PartnersTable({ services }: { services: readonly ServiceView[] }) {
  const { t } = useTranslation('services');
  const columns: Column<ServiceView>[] = [
    {
      id: 'service',
      head: t('table.service'),
      isRowHead: true,
      cell: ({ name, to }) => <TextLink to={to}>{name}</TextLink>,
    },
    { id: 'now', head: t('table.now'), cell: ({ note }) => note, width: '140px' },
    {
      id: 'partners',
      head: t('table.partners'),
      cell: ({ partners }) =>
        partners.length === 0 ? (
          <span className="quiet">{t('table.nobody')}</span>
        ) : (
          <ul className={styles.names}>
            {partners.slice(0, MOST_NAMED).map(({ id, name }) => (
              <li key={id}>
                <TextLink to={`/peers/${encodeURIComponent(id)}`}>
                  <Name text={name} />
                </TextLink>
              </li>
            ))}
            {partners.length > MOST_NAMED && <li>{t('table.more', { count: partners.length - MOST_NAMED })}</li>}
          </ul>
        ),
    },
  ];
  return <Table label={t('hub.title')} columns={columns} rows={services} rowKey={({ id }) => id} />;
}
