import { answer, api } from '../api/client';
import { applyRecords, applySnapshot } from './reduce';
import { show } from './store';
import { emptyState, type FeedRecord, type FeedSnapshot } from './types';

/** The newest wish: an answer to an older one is not shown. */
let wish = 0;

/**
 * Shows the whole page as the node was at a moment of the past, by the same reducer over the node's own history. The
 * present goes on unseen.
 *
 * @throws ProblemError where that moment cannot be shown any more.
 */
export async function enterReplay(at_ms: number): Promise<void> {
  const mine = ++wish;
  const past = await answer(api.GET('/api/v1/events/replay', { params: { query: { at_ms: Math.round(at_ms) } } }));
  if (mine !== wish) return;
  const begun = applySnapshot(emptyState, past.snapshot as unknown as FeedSnapshot);
  const then = applyRecords(begun, past.records as unknown as FeedRecord[]);
  show({ ...then, replay: { at_ms } });
}

/** Shows the present again. */
export function leaveReplay(): void {
  wish += 1;
  show(null);
}
