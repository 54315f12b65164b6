import { useMemo } from 'react';
import { useTranslation } from 'react-i18next';
import { bytes } from '../../../figures';
import { Card } from '../../../look/Card';
import { Empty } from '../../../look/Empty';
import { Table, type Column } from '../../../look/Table';
import type { Exchange } from '../requests';
import { PeerMark } from './PeerMark';

/** What was exchanged with whom since the node started. */
export function ExchangedCard({ exchanged }: { exchanged: readonly Exchange[] }) {
  const { t } = useTranslation('files');
  const columns = useMemo(
    (): Column<Exchange>[] => [
      { id: 'peer', head: t('peers.peer'), cell: ({ peer }) => <PeerMark id={peer} />, isRowHead: true },
      {
        id: 'received',
        head: t('peers.received'),
        cell: ({ downloaded }) => bytes(downloaded),
        figure: true,
        sort: ({ downloaded }) => downloaded,
        width: '84px',
      },
      {
        id: 'given',
        head: t('peers.given'),
        cell: ({ uploaded }) => bytes(uploaded),
        figure: true,
        sort: ({ uploaded }) => uploaded,
        width: '84px',
      },
      { id: 'path', head: t('peers.path'), cell: ({ path }) => t(`path.${path}`), width: '152px' },
    ],
    [t],
  );
  return (
    <Card title={t('exchanged.title')} caption={t('exchanged.caption')} span={6}>
      <Table
        label={t('tableOf', { what: t('exchanged.title') })}
        columns={columns}
        rows={exchanged}
        rowKey={({ peer }) => peer}
        maxHeight={320}
        empty={<Empty title={t('exchanged.none')} />}
      />
    </Card>
  );
}
