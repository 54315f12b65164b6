import { useQuery } from '@tanstack/react-query';
import { useEffect, useRef, useState } from 'react';
import { useTranslation } from 'react-i18next';
import { answer, api } from '../../api/client';
import { Failure } from '../../api/Failure';
import { enterReplay, leaveReplay } from '../../feed/replay';
import { useFeed } from '../../feed/store';
import { duration, timeOfDay } from '../../figures';
import { Button } from '../../look/Button';
import { Card } from '../../look/Card';
import { Slider } from '../../look/Slider';
import styles from './Cursor.module.css';

/** While the thumb moves, the node is asked this often at most. */
const ASK_MS = 150;
/** This near to its end the slider means now. */
const NOW_MS = 1_000;
const STEPS = [-10, -1, 1, 10];

/** Goes to moments, one after the other; in between newer wishes replace older ones. */
function useJourney() {
  const [error, setError] = useState<unknown>(null);
  const [going, setGoing] = useState(false);
  const wish = useRef<number | null>(null);
  const timer = useRef<ReturnType<typeof setTimeout> | null>(null);
  useEffect(() => () => void (timer.current !== null && clearTimeout(timer.current)), []);

  const set = async () => {
    timer.current = null;
    const at_ms = wish.current;
    wish.current = null;
    if (at_ms === null) return;
    setGoing(true);
    try {
      await enterReplay(at_ms);
      setError(null);
    } catch (thrown) {
      setError(thrown);
    } finally {
      setGoing(false);
    }
  };
  return {
    error,
    going,
    to: (at_ms: number) => {
      wish.current = at_ms;
      timer.current ??= setTimeout(() => void set(), ASK_MS);
    },
    back: () => {
      wish.current = null;
      if (timer.current !== null) clearTimeout(timer.current);
      timer.current = null;
      setError(null);
      leaveReplay();
    },
  };
}

/** The time cursor: a slider over the node's history that takes the whole page along. */
export function Cursor() {
  const { t } = useTranslation('activity');
  const history = useQuery({
    queryKey: ['events', 'history'],
    queryFn: () => answer(api.GET('/api/v1/events/history')),
    refetchInterval: 10_000,
  });
  const at_ms = useFeed((state) => state.replay?.at_ms ?? null);
  const [held, setHeld] = useState<number | null>(null);
  const journey = useJourney();
  const now_ms = history.data?.now_ms ?? 0;
  const oldest_at_ms = history.data?.oldest_at_ms ?? now_ms;
  const span = now_ms - oldest_at_ms;
  const value = held ?? at_ms ?? now_ms;

  const go = (to: number) => {
    if (to > now_ms - NOW_MS) journey.back();
    else journey.to(Math.max(oldest_at_ms, to));
  };

  // A step back is one however small it is; only a step on may arrive at now.
  const step = (seconds: number) => {
    const to = (at_ms ?? now_ms) + seconds * 1_000;
    if (seconds < 0) journey.to(Math.max(oldest_at_ms, to));
    else go(to);
  };

  if (history.error) {
    return (
      <Card title={t('cursor.title')}>
        <Failure of={history.error} />
      </Card>
    );
  }
  return (
    <Card title={t('cursor.title')} caption={t('cursor.caption')}>
      {history.data && span < 2_000 ? (
        <p className="quiet">{t('cursor.none')}</p>
      ) : (
        <div className={styles.cursor}>
          <Slider
            label={t('cursor.at')}
            min={oldest_at_ms}
            max={Math.max(now_ms, oldest_at_ms + 1)}
            step={250}
            value={value}
            isDisabled={!history.data}
            say={(ms) => (ms > now_ms - NOW_MS ? t('cursor.now') : timeOfDay(ms))}
            onChange={(ms) => {
              setHeld(ms);
              go(ms);
            }}
            onChangeEnd={() => setHeld(null)}
          />
          <div className={styles.steps}>
            {STEPS.map((seconds) => (
              <Button
                key={seconds}
                small
                onPress={() => step(seconds)}
                isDisabled={!history.data || (seconds > 0 && at_ms === null)}
                aria-label={t(seconds < 0 ? 'cursor.less' : 'cursor.more', { seconds: Math.abs(seconds) })}
              >
                {seconds < 0 ? `− ${-seconds} s` : `+ ${seconds} s`}
              </Button>
            ))}
            <Button
              small
              look={at_ms === null ? 'plain' : 'primary'}
              onPress={journey.back}
              isDisabled={at_ms === null}
            >
              {t('cursor.back')}
            </Button>
            <span className="quiet" role="status">
              {journey.going ? t('cursor.loading') : t('cursor.oldest', { duration: duration(span / 1_000) })}
            </span>
          </div>
          <Failure of={journey.error} />
        </div>
      )}
    </Card>
  );
}
