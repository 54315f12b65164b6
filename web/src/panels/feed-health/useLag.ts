import { useEffect, useRef, type RefObject } from 'react';
import { feedState, onFeed } from '../../feed/store';

/** How long the last record was on its way, in milliseconds; null until one came. */
export function useLag(): RefObject<number | null> {
  const lag = useRef<number | null>(null);
  useEffect(() => {
    let seq = feedState().seq;
    return onFeed((state) => {
      if (state.seq === seq || state.replay !== null) return;
      seq = state.seq;
      lag.current = Date.now() - state.at_ms;
    });
  }, []);
  return lag;
}
