import type { FeedRecord } from '../../feed/types';

/** Rates are of this long: shorter ones would jump between samples. */
const WINDOW_MS = 10_000;

/** Records a second, over the last ten seconds before `now_ms`. */
export function recordsPerSecond(recent: readonly FeedRecord[], now_ms: number): number {
  let count = 0;
  for (let i = recent.length - 1; i >= 0; i--) {
    const record = recent[i];
    if (!record || record.at_ms <= now_ms - WINDOW_MS) break;
    if (record.at_ms <= now_ms) count += 1;
  }
  // The window is longer than what is kept where very much happens: then the kept ones tell the rate.
  const oldest = recent[0];
  const kept_ms = oldest && count === recent.length ? Math.max(1_000, now_ms - oldest.at_ms) : WINDOW_MS;
  return (count * 1000) / kept_ms;
}

export interface SourceCount {
  source: string;
  count: number;
  /** Of all. */
  share: number;
  /** The kind it tells of most. */
  kind: string;
}

/** How many records each source made, the most first. */
export function bySource(recent: readonly FeedRecord[]): SourceCount[] {
  const sources = new Map<string, Map<string, number>>();
  for (const { source, kind } of recent) {
    const kinds = sources.get(source) ?? new Map<string, number>();
    kinds.set(kind, (kinds.get(kind) ?? 0) + 1);
    sources.set(source, kinds);
  }
  return [...sources]
    .map(([source, kinds]) => {
      const count = [...kinds.values()].reduce((sum, one) => sum + one, 0);
      const [kind] = [...kinds].reduce((most, one) => (one[1] > most[1] ? one : most));
      return { source, count, share: count / recent.length, kind };
    })
    .sort((a, b) => b.count - a.count || (a.source < b.source ? -1 : 1));
}
