import { useTranslation } from 'react-i18next';
import { useNow } from '../../app/useNow';
import { feedCounts, feedState } from '../../feed/store';
import { bytes, count, millis, number } from '../../figures';
import { Card } from '../../look/Card';
import { Figure } from '../../look/Figure';
import { recordsPerSecond } from './measures';
import styles from './Now.module.css';
import { useLag } from './useLag';

/** Looked up once a second, not at each record: a panel that watches the feed must not be its heaviest reader. */
export function Now() {
  const { t } = useTranslation('feed-health');
  const now = useNow(1000);
  const { recent, seq } = feedState();
  // Read at the second's tick, as everything here.
  const lag = useLag().current;
  const counts = feedCounts();
  const last = recent[recent.length - 1];
  const figures = [
    { label: t('now.rate'), value: number(recordsPerSecond(recent, last ? Math.max(now, last.at_ms) : now), 1) },
    { label: t('now.head'), value: count(seq) },
    { label: t('now.lag'), value: lag === null ? '–' : millis(Math.max(0, lag)) },
    { label: t('now.received'), value: count(counts.records) },
    { label: t('now.bytes'), value: bytes(counts.bytes) },
    { label: t('now.batch'), value: millis(counts.slowest_ms) },
    { label: t('now.resyncs'), value: count(counts.resyncs) },
    { label: t('now.connections'), value: count(counts.connections) },
  ];
  return (
    <Card title={t('now.title')} caption={t('now.caption')}>
      <div className={styles.figures}>
        {figures.map(({ label, value }) => (
          <Figure key={label} large value={value} label={label} />
        ))}
      </div>
    </Card>
  );
}
