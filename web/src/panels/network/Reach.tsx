import { useTranslation } from 'react-i18next';
import { useFeed } from '../../feed/store';
import { count } from '../../figures';
import { Card } from '../../look/Card';
import { Copy } from '../../look/Copy';
import { Facts } from '../../look/Facts';
import { Name } from '../../look/Name';
import styles from './Reach.module.css';

function Addresses({ list }: { list: readonly (string | null | undefined)[] }) {
  const { t } = useTranslation('network');
  const given = list.filter((address) => address != null);
  if (given.length === 0) return <>{t('reach.none')}</>;
  return (
    <ul>
      {given.map((address) => (
        <li key={address}>
          <code>{address}</code>
        </li>
      ))}
    </ul>
  );
}

/** How this node is reached, in plain words; the terms one click deeper. */
export function Reach() {
  const { t } = useTranslation('network');
  const status = useFeed((state) => state.network.status);
  // The snapshot's own count is of the moment when it was taken; peers come and go with the feed.
  const connections = useFeed(({ network }) => {
    let open = 0;
    for (const peer of network.peers.values()) if (peer.key && peer.connections > 0) open += 1;
    return open;
  });
  if (!status) return null;
  const network = status.network.startsWith('private/')
    ? t('reach.private', { name: status.network.slice('private/'.length) })
    : t('reach.public');
  return (
    <Card title={t('reach.title')} span={6}>
      <div className={styles.reach}>
        <div>
          <p className={styles.verdict}>{t(`reach.${status.nat}`)}</p>
          <p className="quiet">{t(`reach.${status.nat}Text`)}</p>
        </div>
        <Facts
          facts={[
            { term: t('reach.network'), value: <Name text={network} /> },
            { term: t('reach.outside'), value: <Addresses list={status.reflexive} /> },
            { term: t('reach.others'), value: <Addresses list={status.addresses} /> },
            {
              term: t('reach.connections'),
              value: t('reach.of', { now: count(connections), most: count(status.max_connections) }),
            },
            { term: t('reach.key'), value: <Copy text={status.key} what={t('reach.key')} /> },
          ]}
        />
        <details>
          <summary>{t('term')}</summary>
          <Facts
            facts={[
              { term: t('reach.natTerm'), value: <code>{status.nat}</code> },
              {
                term: t('reach.listens'),
                value: (
                  <Addresses
                    list={[
                      ...(status.tcp ? [`TCP ${status.tcp}`] : []),
                      ...status.udp.map((address) => `UDP ${address} (QUIC)`),
                    ]}
                  />
                ),
              },
              { term: t('reach.mapped'), value: <Addresses list={[status.tcp_mapped]} /> },
            ]}
          />
        </details>
      </div>
    </Card>
  );
}
