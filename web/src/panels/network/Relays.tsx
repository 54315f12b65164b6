import { useMemo } from 'react';
import { useTranslation } from 'react-i18next';
import { useFeed } from '../../feed/store';
import type { NetworkStatus } from '../../feed/types';
import { millis } from '../../figures';
import { Card } from '../../look/Card';
import { Copy } from '../../look/Copy';
import { Empty } from '../../look/Empty';
import { Facts } from '../../look/Facts';
import { Name } from '../../look/Name';
import { Table, type Column } from '../../look/Table';
import { relayAddress, usePeerNames } from '../../threads';
import styles from './Relays.module.css';

type Relay = NetworkStatus['relays'][number];

function stateOf(relay: Relay): 'home' | 'ready' | 'away' {
  if (!relay.usable) return 'away';
  return relay.home ? 'home' : 'ready';
}

/** Relays in use, and the one that is offered. */
export function Relays() {
  const { t, i18n } = useTranslation('network');
  const relays = useFeed((state) => state.network.status?.relays);
  const offered = useFeed((state) => state.network.status?.offered_relay);
  const nameOf = usePeerNames();
  const columns = useMemo<Column<Relay>[]>(
    () => [
      {
        id: 'relay',
        head: t('relays.relay'),
        cell: (relay) => {
          const address = relayAddress(relay.url);
          const name = nameOf(address);
          return (
            <span title={relay.url} className={styles.relay}>
              <Name text={name} />
              {name !== address && <span className="quiet">{address}</span>}
            </span>
          );
        },
        isRowHead: true,
      },
      {
        id: 'use',
        head: t('relays.use'),
        cell: (relay) => (
          <span className={styles.use}>
            <i aria-hidden="true" className={styles[stateOf(relay)]} />
            {t(`relays.${stateOf(relay)}`)}
          </span>
        ),
      },
      {
        id: 'rtt',
        head: t('relays.rtt'),
        cell: (relay) => (relay.rtt_ms == null ? '–' : millis(relay.rtt_ms)),
        figure: true,
        width: '88px',
      },
    ],
    // Names are looked up anew with each drawing; figures are written in the language of the page.
    // eslint-disable-next-line react-hooks/exhaustive-deps
    [t, i18n.language],
  );
  if (!relays) return null;
  return (
    <Card title={t('relays.title')} caption={t('relays.caption')}>
      <div className={styles.relays}>
        <Table
          label={`${t('relays.title')}: ${t('look:table')}`}
          columns={columns}
          rows={relays}
          rowKey={(relay) => relay.url}
          maxHeight={280}
          empty={<Empty title={t('relays.empty')}>{t('relays.emptyText')}</Empty>}
        />
        {offered ? (
          <>
            <p>{t('relays.offered', { clients: offered.clients })}</p>
            <details>
              <summary>{t('term')}</summary>
              <Facts
                facts={[
                  {
                    term: t('relays.offeredUrl'),
                    value: <Copy text={offered.url} what={t('relays.offeredUrl')} keep={24} />,
                  },
                  { term: t('relays.discovery'), value: String(offered.discovery_port) },
                ]}
              />
            </details>
          </>
        ) : (
          <p className="quiet">{t('relays.notOffered')}</p>
        )}
      </div>
    </Card>
  );
}
