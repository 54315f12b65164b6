import { useEffect, useState } from 'react';
import { useTranslation } from 'react-i18next';
import { feedState, onFeed, useFeed } from '../../feed/store';
import type { FeedState } from '../../feed/types';
import { count, number } from '../../figures';
import { Card } from '../../look/Card';
import { Facts } from '../../look/Facts';
import { Figure } from '../../look/Figure';
import { TextLink } from '../../look/TextLink';
import styles from './Dht.module.css';

interface Tick {
  at_ms: number;
  lookups: number;
}

function tickOf(state: FeedState): Tick | null {
  const lookups = state.network.status?.dht.lookups;
  return lookups === undefined ? null : { at_ms: state.node.sample_at_ms, lookups };
}

/** Lookups a second between the last two samples; null until there are two. */
function useLookupRate(): number | null {
  const [rate, setRate] = useState<number | null>(null);
  useEffect(() => {
    let before = tickOf(feedState());
    return onFeed((state) => {
      const now = tickOf(state);
      if (!now || now.at_ms === before?.at_ms) return;
      if (before && now.at_ms > before.at_ms && now.lookups >= before.lookups) {
        setRate((now.lookups - before.lookups) / ((now.at_ms - before.at_ms) / 1_000));
      }
      before = now;
    });
  }, []);
  return rate;
}

/** The DHT: whether this node is in it, how large it is, and what is asked of it. */
export function Dht() {
  const { t } = useTranslation('network');
  const dht = useFeed((state) => state.network.status?.dht);
  const rate = useLookupRate();
  if (!dht) return null;
  const figures = [
    { label: t('dht.nodes'), value: count(dht.nodes) },
    { label: t('dht.estimated'), value: dht.state === 'joined' ? `≈ ${count(dht.estimated)}` : '–' },
    { label: t('dht.lookups'), value: rate === null ? '–' : number(rate, 1) },
    { label: t('dht.announces'), value: count(dht.announces) },
  ];
  return (
    <Card title={t('dht.title')} caption={t('dht.caption')} span={6}>
      <div className={styles.dht}>
        <p>
          {t(`dht.${dht.state}`)}{' '}
          {dht.state !== 'joined' && (
            <>
              {t(`dht.${dht.state}Mend`)} <TextLink to="/settings">{t('dht.settings')}</TextLink>
            </>
          )}
        </p>
        <div className={styles.figures}>
          {figures.map((figure) => (
            <Figure key={figure.label} large value={figure.value} label={figure.label} />
          ))}
        </div>
        <details>
          <summary>{t('term')}</summary>
          <p className="quiet">{t('dht.term')}</p>
          <Facts
            facts={[
              { term: t('dht.bound'), value: dht.bound ? <code>{dht.bound}</code> : '–' },
              { term: t('dht.server'), value: t(dht.server ? 'dht.yes' : 'dht.no') },
              { term: t('dht.ipv4'), value: t(dht.ipv4_only ? 'dht.yes' : 'dht.no') },
              { term: t('dht.total'), value: count(dht.lookups) },
            ]}
          />
        </details>
      </div>
    </Card>
  );
}
