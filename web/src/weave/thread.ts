/** How a peer is drawn: one of eight hues, and beyond the eighth peer a pattern over a hue that is shared. */
export interface Thread {
  index: number;
  pattern: 0 | 1 | 2;
}

/** Which thread a peer has. Whoever draws decides nothing: a peer has the same thread everywhere. */
export type ThreadOf = (peer: string) => Thread;

/** The name a peer is shown by. */
export type NameOf = (peer: string) => string;

/** The giver of what was here before this start, or was ours from the beginning. It is no peer: its thread is undyed. */
export const UNDYED = '';

/** The CSS colour of a giver's thread. */
export function dye(peer: string, threadOf: ThreadOf): string {
  return peer === UNDYED ? 'var(--mark)' : `var(--t${String(threadOf(peer).index % 8)})`;
}

/** The pattern of a giver's thread: 0 plain, 1 cut across, 2 cut along. */
export function patternOf(peer: string, threadOf: ThreadOf): 0 | 1 | 2 {
  return peer === UNDYED ? 0 : threadOf(peer).pattern;
}
