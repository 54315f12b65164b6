import { useQuery } from '@tanstack/react-query';
import { useTranslation } from 'react-i18next';
import { answer, api } from '../../api/client';
import { feedState, useFeed } from '../../feed/store';
import { bytes } from '../../figures';
import { Card } from '../../look/Card';
import { cx } from '../../look/cx';
import { Empty } from '../../look/Empty';
import { shownName } from '../../look/Name';
import { Comparison } from '../../map/Comparison';
import { deviceBehind } from '../../threads';
import styles from './TwoWays.module.css';
import { largest } from './largest';
import { reckon } from './ways';

/** How often what peers have is asked for: the feed does not carry it. */
const EVERY_MS = 5_000;

/** What one server would have sent for a transfer, and the most that any one peer sent for it here. */
export function TwoWays() {
  const { t } = useTranslation('overview');
  const id = useFeed(largest);
  const past = useFeed((state) => state.replay !== null);
  const { data } = useQuery({
    queryKey: ['torrent', id],
    queryFn: () => answer(api.GET('/api/v1/files/torrents/{info_hash}', { params: { path: { info_hash: id ?? '' } } })),
    enabled: id !== null && !past,
    refetchInterval: EVERY_MS,
  });
  const ways = data ? reckon(data, (peer) => deviceBehind(feedState(), peer)) : null;
  return (
    <Card title={t('ways.title')} caption={t('ways.caption')} span={6}>
      {!data || !ways ? (
        <Empty title={t('ways.empty')}>{t('ways.empty-text')}</Empty>
      ) : (
        <>
          <p className={cx('quiet', styles.of)}>
            {t('ways.of', { name: shownName(data.name, 60), count: ways.peers })}
          </p>
          <Comparison
            peers={ways.peers}
            server={{ figure: bytes(ways.server), words: t('ways.server') }}
            swarm={{ figure: bytes(ways.most), words: t('ways.swarm') }}
          />
          <details className={styles.how}>
            <summary>{t('ways.how')}</summary>
            <p className="quiet">{t('ways.how-text', { fetched: bytes(ways.server) })}</p>
          </details>
        </>
      )}
    </Card>
  );
}
