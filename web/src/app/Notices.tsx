import { useTranslation } from 'react-i18next';
import { useFeed } from '../feed/store';
import { leaveReplay } from '../feed/replay';
import { duration, timeOfDay } from '../figures';
import { Banner } from '../look/Banner';
import { Button } from '../look/Button';
import styles from './Notices.module.css';
import { useNow } from './useNow';

function Offline() {
  const { t } = useTranslation();
  const since = useFeed((state) => state.since_ms);
  const mend = useFeed((state) => state.problem?.mend);
  const now = useNow(1000);
  return (
    <Banner tone="bad" title={t('offline.title')}>
      <span aria-live="off">{t('offline.since', { duration: duration((now - since) / 1000) })}</span>{' '}
      {mend || t('mend.offline')}
    </Banner>
  );
}

function Replaying({ at_ms }: { at_ms: number }) {
  const { t } = useTranslation();
  return (
    <Banner
      tone="warn"
      title={t('replay.title', { time: timeOfDay(at_ms) })}
      action={<Button onPress={leaveReplay}>{t('replay.back')}</Button>}
    >
      {t('replay.text')}
    </Banner>
  );
}

/** What concerns the whole page: the node is silent, or the past is shown. */
export function Notices() {
  const offline = useFeed((state) => state.connection === 'offline');
  const replay = useFeed((state) => state.replay?.at_ms ?? null);
  return (
    <div aria-live="polite" className={styles.notices}>
      {offline && <Offline />}
      {replay !== null && <Replaying at_ms={replay} />}
    </div>
  );
}
