import { useMemo } from 'react';
import { useTranslation } from 'react-i18next';
import { bytes, percent, rate } from '../../../figures';
import { Card } from '../../../look/Card';
import { Empty } from '../../../look/Empty';
import { Name } from '../../../look/Name';
import { Table, type Column } from '../../../look/Table';
import type { PeerStatus } from '../requests';
import { PeerMark } from './PeerMark';
import styles from './PeersCard.module.css';

/** Who a connection is to: as the map and the feed call it. */
export function idOf(peer: PeerStatus): string {
  return peer.key ?? peer.address ?? '';
}

/** What happens in one direction of a connection, in a word. */
export function flow(wants: boolean, choked: boolean): 'flows' | 'waits' | 'idle' {
  if (!wants) return 'idle';
  return choked ? 'waits' : 'flows';
}

/** The connections of a torrent. */
export function PeersCard({ peers }: { peers: readonly PeerStatus[] }) {
  const { t } = useTranslation('files');
  const columns = useMemo((): Column<PeerStatus>[] => {
    const moving = (bytesPerSecond: number) => (bytesPerSecond > 0 ? rate(bytesPerSecond) : '');
    return [
      {
        id: 'peer',
        head: t('peers.peer'),
        cell: (peer) => <PeerMark id={idOf(peer)} />,
        isRowHead: true,
        sort: idOf,
        width: '160px',
      },
      {
        id: 'path',
        head: t('peers.path'),
        cell: (peer) => <span title={t(`path.${peer.path}Exact`)}>{t(`path.${peer.path}`)}</span>,
        sort: (peer) => peer.path,
        width: '152px',
      },
      {
        id: 'gives',
        head: t('peers.toYou'),
        cell: (peer) => <Flow way="toYou" flow={flow(peer.interested, peer.choked)} />,
        width: '112px',
      },
      {
        id: 'takes',
        head: t('peers.fromYou'),
        cell: (peer) => <Flow way="fromYou" flow={flow(peer.peer_interested, peer.peer_choked)} />,
        width: '112px',
      },
      {
        id: 'has',
        head: t('peers.has'),
        cell: (peer) => percent(peer.progress),
        figure: true,
        sort: (peer) => peer.progress,
        width: '64px',
      },
      {
        id: 'down',
        head: t('sort.down'),
        cell: (peer) => moving(peer.rate_down),
        figure: true,
        sort: (peer) => peer.rate_down,
        width: '92px',
      },
      {
        id: 'up',
        head: t('sort.up'),
        cell: (peer) => moving(peer.rate_up),
        figure: true,
        sort: (peer) => peer.rate_up,
        width: '92px',
      },
      {
        id: 'received',
        head: t('peers.received'),
        cell: (peer) => bytes(peer.downloaded),
        figure: true,
        sort: (peer) => peer.downloaded,
        width: '84px',
      },
      {
        id: 'given',
        head: t('peers.given'),
        cell: (peer) => bytes(peer.uploaded),
        figure: true,
        sort: (peer) => peer.uploaded,
        width: '84px',
      },
      {
        id: 'client',
        head: t('peers.client'),
        cell: (peer) => <Name text={peer.client} />,
        sort: (peer) => peer.client,
      },
    ];
  }, [t]);
  return (
    <Card title={t('peers.title')} caption={t('peers.count', { count: peers.length })}>
      <Table
        label={t('tableOf', { what: t('peers.title') })}
        columns={columns}
        rows={peers}
        // Two connections to one peer are two rows: the address tells them apart.
        rowKey={(peer) => `${peer.key ?? ''} ${peer.address ?? ''} ${peer.path}`}
        maxHeight={400}
        empty={<Empty title={t('peers.none')}>{t('peers.noneText')}</Empty>}
      />
      {peers.length > 0 && (
        <details className={styles.legend}>
          <summary>{t('peers.legend')}</summary>
          <dl>
            {(['flows', 'waits', 'idle'] as const).map((word) => (
              <div key={word}>
                <dt>
                  {t(`flow.toYou.${word}`)} / {t(`flow.fromYou.${word}`)}
                </dt>
                <dd>{t(`flow.exact.${word}`)}</dd>
              </div>
            ))}
          </dl>
        </details>
      )}
    </Card>
  );
}

function Flow({ way, flow }: { way: 'toYou' | 'fromYou'; flow: 'flows' | 'waits' | 'idle' }) {
  const { t } = useTranslation('files');
  return (
    <span className={styles[flow]} title={t(`flow.exact.${flow}`)}>
      {t(`flow.${way}.${flow}`)}
    </span>
  );
}
