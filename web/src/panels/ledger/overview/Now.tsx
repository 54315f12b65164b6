import { useTranslation } from 'react-i18next';
import { useNow } from '../../../app/useNow';
import { useFeed } from '../../../feed/store';
import { count, duration } from '../../../figures';
import { Banner } from '../../../look/Banner';
import { Card } from '../../../look/Card';
import { Figure } from '../../../look/Figure';
import { Meter } from '../../../look/Meter';
import { shownName } from '../../../look/Name';
import { HeadCheck } from '../light/HeadCheck';
import styles from './Now.module.css';
import { Search } from './Search';
import { useStatus } from './useStatus';

/** Why the ledger does not go on, in the node's words. */
function Trouble() {
  const { t } = useTranslation('ledger');
  const { data } = useStatus();
  const health = useFeed((state) => state.node.status?.services.find(({ name }) => name === 'ledger')?.health);
  const failure = data?.chain?.failure;
  if (health?.state === 'degraded') {
    return (
      <Banner tone="bad" title={<bdi>{shownName(health.because, 400)}</bdi>}>
        <bdi>{shownName(health.mend, 400)}</bdi>
      </Banner>
    );
  }
  if (failure == null) return null;
  return (
    <Banner tone="bad" title={t('now.failed', { because: shownName(failure, 400) })}>
      {t('now.failedMend')}
    </Banner>
  );
}

/** How far this node is, while it catches up. */
function CatchingUp() {
  const { t } = useTranslation('ledger');
  const [from, to, height] = useFeed((state) => {
    const chain = state.ledger.chain;
    return [chain?.sync_from ?? null, chain?.sync_to ?? null, chain?.height ?? 0];
  });
  if (from === null || to === null) return null;
  const left = Math.max(0, to - height);
  const done = to > from ? (height - from) / (to - from) : 1;
  return (
    <div className={styles.sync}>
      <Meter label={t('now.sync')} value={done} text={t('now.left', { count: left })} className={styles.meter} />
      <span className="quiet">{t('now.left', { count: left })}</span>
    </div>
  );
}

/** One sentence on how the chain is, its figures, and the way to everything on it. */
export function Now() {
  const { t } = useTranslation('ledger');
  const now = useNow(1_000);
  const { data } = useStatus();
  const past = useFeed((state) => (state.replay === null ? null : state.at_ms));
  const [height, timestamp, validators, validating, catching] = useFeed((state) => {
    const chain = state.ledger.chain;
    const { validators } = state.ledger;
    const me = validators.some(({ me }) => me);
    return [chain?.height ?? 0, chain?.timestamp ?? 0, validators.length, me, chain?.sync_to != null];
  });
  const at_ms = timestamp * 1000 || (data?.chain?.timestamp ?? 0) * 1000;
  const age = Math.max(0, ((past ?? now) - at_ms) / 1000);
  const sentence = height === 0 ? 'now.none' : catching ? 'now.catching' : 'now.final';
  const pool = data?.chain?.pool;
  const oldest = data?.chain?.oldest_block ?? 1;
  return (
    <Card title={t('now.title')} action={<HeadCheck />}>
      <div className={styles.now}>
        <Trouble />
        <p className={styles.sentence}>
          {t(sentence, { height: count(height), ago: at_ms === 0 ? '…' : duration(age) })}{' '}
          {t(validating ? 'now.validating' : 'now.following')}
          {oldest > 1 && ` ${t('now.oldest', { height: count(oldest) })}`}
        </p>
        <CatchingUp />
        <div className={styles.row}>
          <div className={styles.figures}>
            <Figure large value={count(height)} label={t('now.height')} className={styles.figure} />
            <Figure large value={at_ms === 0 ? '…' : duration(age)} label={t('now.since')} className={styles.figure} />
            <Figure large value={count(validators)} label={t('now.validators')} className={styles.narrow} />
            <Figure
              large
              value={pool ? count(pool.pending + pool.queued) : '…'}
              label={t('now.pool')}
              className={styles.narrow}
            />
          </div>
          <Search />
        </div>
      </div>
    </Card>
  );
}
