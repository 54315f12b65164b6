import type { Torrent } from '../../../feed/types';

/** What the list can be sorted by. */
export type SortKey = 'added' | 'name' | 'progress' | 'down' | 'up' | 'ratio' | 'left' | 'peers';

export const sortKeys: readonly SortKey[] = ['added', 'name', 'progress', 'down', 'up', 'ratio', 'left', 'peers'];

/** An order the user asked for, as it was then: rows stay where they are while their figures change. */
export interface Order {
  key: SortKey;
  /** Largest first. */
  down: boolean;
  ids: readonly string[];
}

type Torrents = ReadonlyMap<string, Torrent>;

/** The order of this moment. */
export function orderBy(torrents: Torrents, key: SortKey, down: boolean): Order {
  const collator = new Intl.Collator();
  const compare = (a: Torrent, b: Torrent): number => {
    if (key === 'name') return collator.compare(a.name, b.name);
    return figure(a, key) - figure(b, key);
  };
  // The feed's order breaks ties, so that the same figures give the same order.
  const ids = Array.from(torrents.values())
    .sort((a, b) => (down ? compare(b, a) : compare(a, b)))
    .map((torrent) => torrent.info_hash);
  return { key, down, ids };
}

/** Figures are wanted from the largest, names from A; what is done soonest comes first. */
export function startsDown(key: SortKey): boolean {
  return key !== 'name' && key !== 'left';
}

function figure(torrent: Torrent, key: Exclude<SortKey, 'name'>): number {
  switch (key) {
    case 'added':
      return torrent.added_at;
    case 'progress':
      return torrent.progress;
    case 'down':
      return torrent.rate_down;
    case 'up':
      return torrent.rate_up;
    case 'ratio':
      return torrent.ratio;
    case 'left':
      return torrent.eta_seconds ?? Number.MAX_SAFE_INTEGER;
    case 'peers':
      return torrent.peer_count ?? -1;
  }
}

/** `ids` in the asked order; those it does not know come last, as they came. Unasked: the newest first. */
export function arrange(ids: readonly string[], order: Order | null): string[] {
  if (order === null) return [...ids].reverse();
  const place = new Map(order.ids.map((id, index) => [id, index]));
  const last = order.ids.length;
  return [...ids].sort((a, b) => (place.get(a) ?? last) - (place.get(b) ?? last));
}
