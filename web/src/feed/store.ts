import { create } from 'zustand';
import { useShallow } from 'zustand/react/shallow';
import { answer, api } from '../api/client';
import { csrf, signedOut, useSession } from '../api/session';
import { Batch } from './batch';
import { hasStrangers, learnPeers } from './learn';
import { applyRecords, applySnapshot } from './reduce';
import { follow, type FeedItem } from './sse';
import { emptyState, type FeedRecord, type FeedState } from './types';

export type { FeedRecord, FeedState } from './types';
export { applyRecord, applyRecords, applySnapshot } from './reduce';

/** What the panels see: the present, or the moment that is being replayed. */
const shown = create<FeedState>()(() => emptyState);

/** The present, also while the past is shown. */
let live: FeedState = emptyState;

/**
 * Part of the node's state, live. A component renders again only when the selected part changes (shallow comparison), so
 * select narrowly: `useFeed((s) => s.files.torrents.get(infoHash))`.
 */
export function useFeed<T>(selector: (state: FeedState) => T): T {
  return shown(useShallow(selector));
}

/** The state that is shown, outside of components. */
export function feedState(): FeedState {
  return shown.getState();
}

/** Calls `listener` after each change of the shown state. */
export function onFeed(listener: (state: FeedState) => void): () => void {
  return shown.subscribe(listener);
}

/** How the feed does: for the panel that watches it. Counted since the page was loaded. */
export interface FeedCounts {
  records: number;
  snapshots: number;
  resyncs: number;
  connections: number;
  bytes: number;
  /** Batches handed to the page, and what the last and the slowest one cost. */
  batches: number;
  last_batch: { records: number; ms: number };
  slowest_ms: number;
}

const counts: FeedCounts = {
  records: 0,
  snapshots: 0,
  resyncs: 0,
  connections: 0,
  bytes: 0,
  batches: 0,
  last_batch: { records: 0, ms: 0 },
  slowest_ms: 0,
};

/** The counts now. */
export function feedCounts(): Readonly<FeedCounts> {
  return { ...counts };
}

/** Of the present, a page that replays the past sees only how its connection is. */
function publish() {
  if (shown.getState().replay === null) shown.setState(live, true);
  else shown.setState({ connection: live.connection, since_ms: live.since_ms, problem: live.problem });
}

/** Shows `state` in place of the present, or the present again. */
export function show(state: FeedState | null): void {
  if (state === null) shown.setState(live, true);
  else shown.setState({ ...state, connection: live.connection, since_ms: live.since_ms, problem: live.problem }, true);
}

/** Sets the present itself: for recordings, which have no node behind them. */
export function setPresent(state: FeedState): void {
  live = state;
  publish();
}

function connection(to: FeedState['connection'], problem: FeedState['problem'] = null) {
  if (live.connection === to && live.problem === problem) return;
  const since_ms = live.connection === to ? live.since_ms : Date.now();
  live = { ...live, connection: to, since_ms, problem };
  publish();
}

/** Not oftener than this: a peer may have no address at all, being reached through a relay alone. */
const LEARN_MS = 5_000;
let learned_ms = -Infinity;

/** Records name a new peer and its path; its addresses are asked for. */
async function learn() {
  if (live.connection !== 'live' || performance.now() - learned_ms < LEARN_MS) return;
  learned_ms = performance.now();
  try {
    const told = await answer(api.GET('/api/v1/network/peers'));
    live = learnPeers(live, told);
    publish();
  } catch {
    // Names and colours go without; the next records ask again.
  }
}

const batch = new Batch<FeedItem>((items) => {
  const begun = performance.now();
  let state = live;
  let records: FeedRecord[] = [];
  for (const item of items) {
    if (item.type === 'event') {
      records.push(item.record);
    } else if (item.type === 'snapshot') {
      // A snapshot stands for everything before it.
      state = applySnapshot(applyRecords(state, records), item.snapshot);
      if (state.connection !== 'live') state = { ...state, connection: 'live', since_ms: Date.now(), problem: null };
      records = [];
    }
  }
  live = applyRecords(state, records);
  publish();
  if (hasStrangers(live)) void learn();
  const ms = performance.now() - begun;
  counts.batches += 1;
  counts.last_batch = { records: items.length, ms };
  counts.slowest_ms = Math.max(counts.slowest_ms, ms);
});

/**
 * More records than this on their way to the page (a laptop's lid was closed, a tab was frozen): a snapshot says the
 * same in less.
 */
const MOST_QUEUED = 20_000;

/** Which run of the node the state is of: sequence numbers begin anew with each. */
interface Run {
  pid: number;
  started_ms: number;
}

async function runNow(): Promise<Run> {
  const { pid, uptime_seconds } = await answer(api.GET('/api/v1/status'));
  return { pid, started_ms: Date.now() - uptime_seconds * 1000 };
}

function sameRun(a: Run, b: Run): boolean {
  return a.pid === b.pid && Math.abs(a.started_ms - b.started_ms) < 3_000;
}

/** Follows the node's feed as long as there is a session. Returns what ends it. */
export function startFeed(): () => void {
  let line: AbortController | null = null;

  const begin = () => {
    const controller = new AbortController();
    line = controller;
    let run: Run | null = null;
    let fresh = true;
    let readsOn = false;
    connection('connecting');
    void follow({
      signal: controller.signal,
      headers: () => {
        const headers: Record<string, string> = {};
        const word = csrf();
        if (word !== null) headers['X-Weft-CSRF'] = word;
        return headers;
      },
      position: async () => {
        const now = await runNow();
        // What was received and not applied yet counts as read.
        batch.flush();
        const go = !fresh && run !== null && sameRun(run, now);
        run = now;
        fresh = false;
        readsOn = go;
        return go ? live.seq : null;
      },
      onOpen: () => {
        counts.connections += 1;
        // Without a position a snapshot comes first, and until it is here there is nothing to show.
        if (readsOn) connection('live');
      },
      onItem: (item, bytes) => {
        counts.bytes += bytes;
        if (item.type === 'event') counts.records += 1;
        else if (item.type === 'snapshot') counts.snapshots += 1;
        else counts.resyncs += 1;
        if (batch.size >= MOST_QUEUED) {
          batch.clear();
          end();
          begin();
          return;
        }
        batch.push(item);
      },
      onDown: (problem) => connection('offline', problem),
      onRefused: signedOut,
    });
  };

  const end = () => {
    line?.abort();
    line = null;
  };

  const follows = (state: 'starting' | 'in' | 'out') => {
    if (state === 'in' && line === null) {
      begin();
    } else if (state === 'out' && live.connection !== 'signed-out') {
      end();
      batch.clear();
      // Nothing of what was seen stays in a page that is signed out.
      live = { ...emptyState, connection: 'signed-out', since_ms: Date.now() };
      show(null);
    }
  };

  const unsubscribe = useSession.subscribe(({ state }) => follows(state));
  follows(useSession.getState().state);
  return () => {
    unsubscribe();
    end();
    batch.clear();
  };
}
