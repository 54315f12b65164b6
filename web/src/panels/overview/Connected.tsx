import { useMemo } from 'react';
import { useTranslation } from 'react-i18next';
import { feedState, useFeed } from '../../feed/store';
import { rate } from '../../figures';
import { Card } from '../../look/Card';
import { Empty } from '../../look/Empty';
import { GraphTable } from '../../look/GraphTable';
import { Name } from '../../look/Name';
import { Table, type Column } from '../../look/Table';
import { TextLink } from '../../look/TextLink';
import type { Connections, MapPeer } from '../../map/graph';
import { Topology } from '../../map/Topology';
import { connectionsOf } from './connections';
import { useThrottled } from './useThrottled';

/** The map as a table. */
function Twin({ connections }: { connections: Connections }) {
  const { t } = useTranslation('overview');
  const relays = new Map(connections.relays.map((relay) => [relay.id, relay.name]));
  const columns: Column<MapPeer>[] = [
    {
      id: 'peer',
      head: t('map.table.peer'),
      isRowHead: true,
      cell: ({ name, to }) => (
        <TextLink to={to}>
          <Name text={name} />
        </TextLink>
      ),
      sort: ({ name }) => name,
    },
    {
      id: 'how',
      head: t('map.table.how'),
      cell: ({ route, via }) =>
        route === 'relayed' && via !== undefined
          ? t('map.route.relayed', { relay: relays.get(via) ?? via })
          : t(`map.route.${route}`),
      sort: ({ route }) => route,
    },
    { id: 'note', head: t('map.table.rtt'), cell: ({ note }) => note.split(' · ')[0], figure: true, width: '110px' },
    {
      id: 'in',
      head: t('map.table.receiving'),
      figure: true,
      width: '92px',
      cell: ({ rate_in }) => (rate_in > 0 ? rate(rate_in) : '–'),
      sort: ({ rate_in }) => rate_in,
    },
    {
      id: 'out',
      head: t('map.table.giving'),
      figure: true,
      width: '92px',
      cell: ({ rate_out }) => (rate_out > 0 ? rate(rate_out) : '–'),
      sort: ({ rate_out }) => rate_out,
    },
  ];
  return (
    <Table label={t('map.title')} columns={columns} rows={connections.peers} rowKey={({ id }) => id} maxHeight={300} />
  );
}

function useConnections(): Connections {
  const { t } = useTranslation('overview');
  // Samples come once a second; between them peers come and go, and a map that is drawn for each would only flicker.
  const parts = useThrottled(
    useFeed((state) => ({ network: state.network, people: state.people })),
    500,
  );
  return useMemo(() => connectionsOf({ ...feedState(), ...parts }, t), [parts, t]);
}

/** Who this node is connected to, and how. */
export function Connected() {
  const { t } = useTranslation('overview');
  const connections = useConnections();
  const count = (route: MapPeer['route']) => connections.peers.filter((peer) => peer.route === route).length;
  return (
    <Card title={t('map.title')} caption={t('map.caption')} span={7}>
      {connections.peers.length === 0 ? (
        <Empty title={t('map.empty')} action={<TextLink to="/peers">{t('map.invite')}</TextLink>}>
          {t('map.empty-text')}
        </Empty>
      ) : (
        <GraphTable
          label={t('map.title')}
          graph={
            <Topology
              connections={connections}
              label={t('map.label', {
                direct: count('direct') + count('circuit'),
                relayed: count('relayed'),
                offline: count('offline'),
              })}
              hint={t('map.hint')}
              self={t('map.self')}
            />
          }
          table={<Twin connections={connections} />}
        />
      )}
    </Card>
  );
}
