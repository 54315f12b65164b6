import { useMemo } from 'react';
import { useTranslation } from 'react-i18next';
import { ago, bytes, millis } from '../../figures';
import { Card } from '../../look/Card';
import { Empty } from '../../look/Empty';
import { Identicon } from '../../look/Identicon';
import { Name } from '../../look/Name';
import { Table, type Column } from '../../look/Table';
import { TextLink } from '../../look/TextLink';
import { ContactActions } from './ContactActions';
import styles from './Contacts.module.css';
import { PathWord } from './PathWord';
import type { ContactRow } from './rows';

function Who({ row }: { row: ContactRow }) {
  const { t } = useTranslation('peers');
  const { contact } = row;
  const { devices } = contact;
  const only = devices.length === 1 ? devices[0]?.name : undefined;
  return (
    <span className={styles.who}>
      <Identicon of={contact.user_key} size={24} />
      <span className={styles.words}>
        <TextLink to={`/peers/${contact.user_key}`} plain>
          <Name text={contact.petname} oneLine />
        </TextLink>
        <span className="quiet">
          {only ? (
            <Name text={only} oneLine />
          ) : devices.length === 0 ? (
            t('book.noDevice')
          ) : (
            t('book.devices', { count: devices.length })
          )}
        </span>
      </span>
    </span>
  );
}

function Presence({ row }: { row: ContactRow }) {
  const { t } = useTranslation('peers');
  if (row.contact.blocked) return <span className={styles.blocked}>{t('book.blocked')}</span>;
  return <PathWord path={row.path} />;
}

/** The address book. */
export function Contacts({ rows }: { rows: ContactRow[] }) {
  const { t, i18n } = useTranslation('peers');
  const columns = useMemo<Column<ContactRow>[]>(
    () => [
      {
        id: 'name',
        head: t('book.name'),
        cell: (row) => <Who row={row} />,
        sort: (row) => row.contact.petname,
        isRowHead: true,
      },
      {
        id: 'presence',
        head: t('book.presence'),
        cell: (row) => <Presence row={row} />,
        sort: (row) => row.path ?? '~',
        width: '184px',
      },
      {
        id: 'rtt',
        head: t('book.rtt'),
        cell: (row) => (row.rtt_ms === null ? '–' : millis(row.rtt_ms)),
        sort: (row) => -(row.rtt_ms ?? Infinity),
        figure: true,
        width: '80px',
      },
      {
        id: 'in',
        head: t('book.received'),
        cell: (row) => bytes(row.bytes_in),
        sort: (row) => row.bytes_in,
        figure: true,
        width: '80px',
      },
      {
        id: 'out',
        head: t('book.given'),
        cell: (row) => bytes(row.bytes_out),
        sort: (row) => row.bytes_out,
        figure: true,
        width: '80px',
      },
      {
        id: 'seen',
        head: t('book.seen'),
        cell: (row) => (row.path ? t('now') : row.seen_ms === null ? t('never') : ago(row.seen_ms)),
        sort: (row) => (row.path ? Infinity : (row.seen_ms ?? 0)),
        figure: true,
        width: '112px',
      },
      {
        id: 'menu',
        head: t('act.menu', { name: '' }),
        hideHead: true,
        cell: (row) => <ContactActions contact={row.contact} />,
        figure: true,
        width: '40px',
      },
    ],
    // Figures are written in the language of the page.
    // eslint-disable-next-line react-hooks/exhaustive-deps
    [t, i18n.language],
  );
  return (
    <Card title={t('book.title')} caption={rows.length > 0 && t('book.caption')}>
      <Table
        label={`${t('book.title')}: ${t('look:table')}`}
        columns={columns}
        rows={rows}
        rowKey={(row) => row.contact.user_key}
        maxHeight={560}
        empty={<Empty title={t('book.empty')}>{t('book.emptyText')}</Empty>}
      />
    </Card>
  );
}
