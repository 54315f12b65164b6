import type { Torrent } from '../../../feed/types';

/** What the list can be narrowed to. */
export type Filter = 'all' | 'downloading' | 'seeding' | 'paused' | 'trouble';

export const filters: readonly Filter[] = ['all', 'downloading', 'seeding', 'paused', 'trouble'];

function inFilter(torrent: Torrent, filter: Filter): boolean {
  switch (filter) {
    case 'all':
      return true;
    case 'downloading':
      return torrent.state === 'downloading' || torrent.state === 'fetching-metadata' || torrent.state === 'checking';
    case 'seeding':
      return torrent.state === 'seeding';
    case 'paused':
      return torrent.state === 'paused';
    case 'trouble':
      return torrent.trouble != null || torrent.warnings.length > 0;
  }
}

/** The torrents that pass, in the feed's order. Words are looked for in the name and at the head of the info-hash. */
export function passing(torrents: ReadonlyMap<string, Torrent>, filter: Filter, search: string): string[] {
  const words = search.toLocaleLowerCase().split(/\s+/).filter(Boolean);
  const ids: string[] = [];
  for (const [id, torrent] of torrents) {
    if (!inFilter(torrent, filter)) continue;
    if (words.length > 0) {
      const name = torrent.name.toLocaleLowerCase();
      if (!words.every((word) => name.includes(word) || id.startsWith(word))) continue;
    }
    ids.push(id);
  }
  return ids;
}

/** How many there are of each. */
export function counted(torrents: ReadonlyMap<string, Torrent>): Record<Filter, number> {
  const counts: Record<Filter, number> = { all: 0, downloading: 0, seeding: 0, paused: 0, trouble: 0 };
  for (const torrent of torrents.values())
    for (const filter of filters) if (inFilter(torrent, filter)) counts[filter]++;
  return counts;
}
