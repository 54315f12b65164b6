import { useQuery } from '@tanstack/react-query';
import { useEffect, useState } from 'react';
import { answer, api } from '../../api/client';
import { feedState, onFeed, useFeed } from '../../feed/store';
import type { FeedRecord, FeedSnapshot, PathKind } from '../../feed/types';
import { changeIn, merge, type Change } from './lanes';

/** Changes kept while the page is open; older ones give way. */
const MOST = 2_000;
/** How many of the node's snapshots are gone back through for what came before this page was opened. */
const BACK = 6;

interface Past {
  from_ms: number;
  begun: ReadonlyMap<string, PathKind>;
  changes: readonly Change[];
}

/** Who was connected, and how, in a snapshot's network part. */
function pathsIn(network: unknown): Map<string, PathKind> {
  const { peers } = (network ?? {}) as { peers?: { id: string; path?: PathKind | null }[] };
  return new Map((peers ?? []).flatMap(({ id, path }) => (path ? [[id, path] as const] : [])));
}

/** What the node remembers of paths before this page was opened: from its history, snapshot by snapshot. */
async function past(): Promise<Past> {
  const history = await answer(api.GET('/api/v1/events/history'));
  let at_ms = history.now_ms;
  let found: Past = { from_ms: at_ms, begun: new Map(), changes: [] };
  const oldest = history.oldest_at_ms ?? Infinity;
  for (let step = 0; step < BACK && at_ms >= oldest; step++) {
    const replay = await answer(api.GET('/api/v1/events/replay', { params: { query: { at_ms } } }));
    const changes = (replay.records as unknown as FeedRecord[]).flatMap((record) => changeIn(record) ?? []);
    const snapshot = replay.snapshot as unknown as FeedSnapshot;
    const from_ms = snapshot.at_ms ?? at_ms;
    found = { from_ms, begun: pathsIn(snapshot.state['network']), changes: merge(found.changes, changes) };
    at_ms = from_ms - 1;
  }
  return found;
}

/** The changes since the page was opened, out of the feed. */
function useChanges(): readonly Change[] {
  const [changes, setChanges] = useState<readonly Change[]>(() =>
    feedState().recent.flatMap((record) => changeIn(record) ?? []),
  );
  useEffect(() => {
    let last = feedState().recent;
    return onFeed(({ recent }) => {
      if (recent === last) return;
      const before = last.at(-1)?.seq ?? 0;
      last = recent;
      const fresh = recent.filter((record) => record.seq > before).flatMap((record) => changeIn(record) ?? []);
      if (fresh.length > 0) setChanges((known) => merge(known, fresh).slice(-MOST));
    });
  }, []);
  return changes;
}

/** The paths of all peers over the time that can be shown. */
export function usePaths(): Past {
  const first = useFeed((state) => state.recent[0]?.at_ms ?? state.at_ms);
  const before = useQuery({ queryKey: ['network', 'paths'], queryFn: past, staleTime: Infinity });
  const since = useChanges();
  if (!before.data) return { from_ms: first, begun: new Map(), changes: since };
  return { ...before.data, changes: merge(before.data.changes, since) };
}
