import { useSyncExternalStore } from 'react';
import { useSession } from '../api/session';
import { feedState, onFeed } from '../feed/store';
import { deviceBehind } from './identity';

/** How a peer is drawn, everywhere: one of eight hues, and a pattern where peers share a hue. */
export interface Thread {
  /** The hue. */
  index: 0 | 1 | 2 | 3 | 4 | 5 | 6 | 7;
  /** 0 for the first eight peers, then 1 and 2. */
  pattern: 0 | 1 | 2;
  /** `thread-3 pattern-1`. */
  className: string;
  /** `var(--t3)`. */
  colour: string;
}

const HUES = 8;
const PATTERNS = 3;
/** So many peers keep their thread for good; those met later have one by their name, which others may have too. */
const MOST_KEPT = 512;

const threads: readonly Thread[] = Array.from({ length: HUES * PATTERNS }, (_, place) => {
  const index = (place % HUES) as Thread['index'];
  const pattern = Math.floor(place / HUES) as Thread['pattern'];
  return { index, pattern, className: `thread-${index} pattern-${pattern}`, colour: `var(--t${index})` };
});

/** Peers in the order of first sight, for one node. */
let order = new Map<string, number>();
let node: string | null = null;
let version = 0;
const listeners = new Set<() => void>();

/** A browser may know several nodes, and each has peers of its own. */
function keep(): string | null {
  return node === null ? null : `weft.threads.${node.slice(0, 16)}`;
}

function load(peer: string) {
  node = peer;
  const before = order;
  const kept: unknown = JSON.parse(localStorage.getItem(keep() ?? '') ?? '[]');
  const ids = Array.isArray(kept) ? kept.filter((id): id is string => typeof id === 'string') : [];
  order = new Map(ids.slice(0, MOST_KEPT).map((id, place) => [id, place]));
  // What was seen before the node said who it is comes after what is known.
  for (const id of before.keys()) if (!order.has(id) && order.size < MOST_KEPT) order.set(id, order.size);
  version += 1;
  save();
  for (const listener of listeners) listener();
}

let saving: ReturnType<typeof setTimeout> | null = null;

function save() {
  saving ??= setTimeout(() => {
    saving = null;
    const key = keep();
    if (key !== null) localStorage.setItem(key, JSON.stringify([...order.keys()]));
  }, 500);
}

/** FNV-1a. */
function hash(text: string): number {
  let value = 0x811c9dc5;
  for (let i = 0; i < text.length; i++) value = Math.imul(value ^ text.charCodeAt(i), 0x01000193);
  return value >>> 0;
}

/** The thread of a peer. Who is seen first has the first one, and keeps it. */
export function threadOf(id: string): Thread {
  const state = feedState();
  const peer = deviceBehind(state, id);
  const self = useSession.getState().peer ?? state.node.status?.peer ?? null;
  if (self !== null && self !== node) load(self);
  let place = order.get(peer);
  if (place === undefined && order.size < MOST_KEPT) {
    place = order.size;
    order.set(peer, place);
    save();
  }
  const thread = threads[(place ?? hash(peer)) % threads.length];
  return thread as Thread;
}

function subscribe(listener: () => void): () => void {
  listeners.add(listener);
  const offFeed = onFeed((state) => {
    // The first word of who this node is: the threads it knows are loaded.
    if (state.node.status && node === null) threadOf(state.node.status.peer);
  });
  return () => {
    listeners.delete(listener);
    offFeed();
  };
}

/** The thread of a peer, in a component. */
export function useThread(peer: string): Thread {
  useSyncExternalStore(subscribe, () => version);
  return threadOf(peer);
}

/** Forgets all threads: for tests. */
export function unravel(): void {
  if (saving !== null) clearTimeout(saving);
  saving = null;
  order = new Map();
  node = null;
  version += 1;
}
