import { useQuery } from '@tanstack/react-query';
import { useTranslation } from 'react-i18next';
import { answer, api } from '../../api/client';
import { count, duration, timeOfDay } from '../../figures';
import { Card } from '../../look/Card';
import { Empty } from '../../look/Empty';
import { Figure } from '../../look/Figure';
import styles from './Ring.module.css';

/** What the node keeps of the past. */
export function Ring() {
  const { t } = useTranslation('feed-health');
  const { data } = useQuery({
    queryKey: ['feed', 'history'],
    queryFn: () => answer(api.GET('/api/v1/events/history')),
    refetchInterval: 10_000,
  });
  const oldest = data?.oldest_at_ms;
  return (
    <Card
      title={t('ring.title')}
      caption={oldest == null ? t('ring.caption') : t('ring.span', { from: timeOfDay(oldest) })}
      span={5}
    >
      {data && oldest != null ? (
        <div className={styles.figures}>
          <Figure large value={duration((data.now_ms - oldest) / 1000)} label={t('ring.length')} />
          <Figure large value={count(Math.max(0, data.head - data.oldest + 1))} label={t('ring.records')} />
          <Figure large value={count(data.snapshots.length)} label={t('ring.snapshots')} />
        </div>
      ) : (
        <Empty title={t('ring.unknown')} />
      )}
    </Card>
  );
}
