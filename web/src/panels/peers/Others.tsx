import { useMemo, useState } from 'react';
import { useTranslation } from 'react-i18next';
import type { Peer } from '../../feed/types';
import { ago, bytes, millis } from '../../figures';
import { Card } from '../../look/Card';
import { Select } from '../../look/Select';
import { Table, type Column } from '../../look/Table';
import { TextLink } from '../../look/TextLink';
import { useThread } from '../../threads';
import styles from './Others.module.css';
import { PathWord } from './PathWord';
import { PeerName } from './PeerName';

/** A page shows no more; the API has them all. */
const MOST = 300;

function Thread({ id }: { id: string }) {
  const thread = useThread(id);
  return <i aria-hidden="true" className={styles.thread} style={{ background: thread.colour }} />;
}

/** Everybody who was seen and is not in the address book. */
export function Others({ peers }: { peers: Peer[] }) {
  const { t, i18n } = useTranslation('peers');
  const [which, setWhich] = useState<'connected' | 'all'>('connected');
  const connected = which === 'connected' ? peers.filter((peer) => peer.connections > 0) : peers;
  const shown = connected.slice(-MOST);
  const columns = useMemo<Column<Peer>[]>(
    () => [
      {
        id: 'peer',
        head: t('others.peer'),
        cell: (peer) => (
          <span className={styles.peer}>
            <Thread id={peer.id} />
            <TextLink to={`/peers/${encodeURIComponent(peer.id)}`} plain>
              <PeerName id={peer.id} />
            </TextLink>
          </span>
        ),
        sort: (peer) => peer.id,
        isRowHead: true,
      },
      { id: 'path', head: t('others.path'), cell: (peer) => <PathWord path={peer.path} />, width: '184px' },
      {
        id: 'rtt',
        head: t('book.rtt'),
        cell: (peer) => (peer.rtt_ms == null ? '–' : millis(peer.rtt_ms)),
        sort: (peer) => -(peer.rtt_ms ?? Infinity),
        figure: true,
        width: '80px',
      },
      {
        id: 'in',
        head: t('book.received'),
        cell: (peer) => bytes(peer.bytes_in),
        sort: (peer) => peer.bytes_in,
        figure: true,
        width: '80px',
      },
      {
        id: 'out',
        head: t('book.given'),
        cell: (peer) => bytes(peer.bytes_out),
        sort: (peer) => peer.bytes_out,
        figure: true,
        width: '80px',
      },
      {
        id: 'seen',
        head: t('book.seen'),
        cell: (peer) => (peer.connections > 0 ? t('now') : ago(peer.last_seen_ms)),
        sort: (peer) => (peer.connections > 0 ? Infinity : peer.last_seen_ms),
        figure: true,
        width: '112px',
      },
    ],
    // Figures are written in the language of the page.
    // eslint-disable-next-line react-hooks/exhaustive-deps
    [t, i18n.language],
  );
  return (
    <Card
      title={t('others.title')}
      caption={t('others.caption')}
      action={
        <Select
          label={t('others.which')}
          hideLabel
          small
          className={styles.which}
          value={which}
          onChange={setWhich}
          options={[
            { value: 'connected', label: t('others.connected') },
            { value: 'all', label: t('others.all') },
          ]}
        />
      }
    >
      <Table
        label={`${t('others.title')}: ${t('look:table')}`}
        columns={columns}
        rows={shown}
        rowKey={(peer) => peer.id}
        maxHeight={420}
        empty={<p className="quiet">{t(which === 'all' ? 'others.emptyAll' : 'others.empty')}</p>}
      />
      {connected.length > shown.length && (
        <p className="quiet">{t('others.more', { count: connected.length - shown.length })}</p>
      )}
    </Card>
  );
}
