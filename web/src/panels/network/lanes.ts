import type { FeedRecord, PathKind } from '../../feed/types';

/** A moment at which a peer's path became another one; `null` is not connected. */
export interface Change {
  seq: number;
  at_ms: number;
  peer: string;
  to: PathKind | null;
}

/** A stretch of time on one path. */
export interface Stretch {
  from_ms: number;
  to_ms: number;
  path: PathKind;
}

export interface Lane {
  peer: string;
  stretches: Stretch[];
  /** When it last changed. */
  last_ms: number;
}

/** What a record says of a peer's path. */
export function changeIn(record: FeedRecord): Change | null {
  const { seq, at_ms, source, kind, data } = record;
  if (source !== 'network' && source !== 'files') return null;
  const peer = data['peer'];
  if (typeof peer !== 'string') return null;
  const path = data['path'] as PathKind;
  // Content over the overlay takes the overlay's path: the network tells of it.
  if (source === 'files' && path !== 'tcp' && path !== 'tls') return null;
  if (kind === 'peer-connected') return { seq, at_ms, peer, to: path };
  if (kind === 'peer-path-changed') return { seq, at_ms, peer, to: data['to'] as PathKind };
  if (kind === 'peer-disconnected') return { seq, at_ms, peer, to: null };
  return null;
}

/** The changes in two lists of records, each once, in their order. */
export function merge(known: readonly Change[], more: readonly Change[]): readonly Change[] {
  const seen = new Set(known.map((change) => change.seq));
  const fresh = more.filter((change) => !seen.has(change.seq));
  if (fresh.length === 0) return known;
  return [...known, ...fresh].sort((a, b) => a.seq - b.seq);
}

/** The overlay's path before those of single transfers: it says how the peer is reached, whatever is exchanged. */
const ORDER: PathKind[] = ['direct', 'relayed', 'tls', 'tcp'];

function best(paths: Iterable<PathKind>): PathKind | null {
  let found: PathKind | null = null;
  for (const path of paths) if (found === null || ORDER.indexOf(path) < ORDER.indexOf(found)) found = path;
  return found;
}

/** A device may have several connections at once; it is drawn by the first of them in that order. */
export function ofDevices(
  begun: ReadonlyMap<string, PathKind>,
  changes: readonly Change[],
  deviceOf: (peer: string) => string,
): { begun: Map<string, PathKind>; changes: Change[] } {
  const open = new Map<string, Map<string, PathKind>>();
  const connections = (device: string): Map<string, PathKind> => {
    let known = open.get(device);
    if (!known) {
      known = new Map();
      open.set(device, known);
    }
    return known;
  };
  for (const [peer, path] of begun) connections(deviceOf(peer)).set(peer, path);
  const first = new Map<string, PathKind>();
  for (const [device, paths] of open) {
    const path = best(paths.values());
    if (path !== null) first.set(device, path);
  }
  const found: Change[] = [];
  for (const change of changes) {
    const device = deviceOf(change.peer);
    const paths = connections(device);
    const before = best(paths.values());
    if (change.to === null) paths.delete(change.peer);
    else paths.set(change.peer, change.to);
    const now = best(paths.values());
    if (now !== before) found.push({ ...change, peer: device, to: now });
  }
  return { begun: first, changes: found };
}

/**
 * One lane a peer from `from_ms` to `to_ms`, the latest change first. `begun` says who was connected, and how, at the
 * beginning; changes before it are passed over.
 */
export function lanes(
  begun: ReadonlyMap<string, PathKind>,
  changes: readonly Change[],
  from_ms: number,
  to_ms: number,
): Lane[] {
  const open = new Map<string, { path: PathKind; from_ms: number }>();
  const found = new Map<string, Lane>();
  const lane = (peer: string): Lane => {
    let known = found.get(peer);
    if (!known) {
      known = { peer, stretches: [], last_ms: from_ms };
      found.set(peer, known);
    }
    return known;
  };
  const close = (peer: string, at_ms: number) => {
    const stretch = open.get(peer);
    if (!stretch) return;
    open.delete(peer);
    lane(peer).stretches.push({ ...stretch, to_ms: at_ms });
  };
  for (const [peer, path] of begun) open.set(peer, { path, from_ms });
  for (const { peer, to, at_ms } of changes) {
    if (at_ms < from_ms || at_ms > to_ms) continue;
    if (open.get(peer)?.path === to) continue;
    close(peer, at_ms);
    if (to !== null) open.set(peer, { path: to, from_ms: at_ms });
    lane(peer).last_ms = at_ms;
  }
  for (const peer of [...open.keys()]) close(peer, to_ms);
  return [...found.values()].sort((a, b) => b.last_ms - a.last_ms);
}
