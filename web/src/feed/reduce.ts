import { Draft } from './draft';
import { files } from './sources/files';
import { ledger } from './sources/ledger';
import { network } from './sources/network';
import { node, settle } from './sources/node';
import { people } from './sources/people';
import type { Source } from './sources/source';
import { MOST_RECENT, type FeedRecord, type FeedSnapshot, type FeedState } from './types';

const sources: Record<string, Source> = { node, files, network, people, ledger };

/** The state that a snapshot says. What was received before it stays readable, unless the node began anew. */
export function applySnapshot(state: FeedState, snapshot: FeedSnapshot): FeedState {
  const draft = new Draft(state);
  draft.state.seq = snapshot.seq;
  draft.state.at_ms = snapshot.at_ms ?? state.at_ms;
  const last = state.recent.at(-1)?.seq ?? 0;
  if (last > snapshot.seq) draft.state.recent = [];
  const other: Record<string, unknown> = {};
  for (const name in sources) sources[name]?.snapshot(draft, snapshot.state[name]);
  for (const name in snapshot.state) {
    if (!Object.hasOwn(sources, name)) other[name] = snapshot.state[name];
  }
  draft.state.other = other;
  settle(draft);
  return draft.state;
}

/**
 * The state after `records`, in their order. Records the state has already are passed over; those of an unknown source or
 * kind are kept in `recent` and change nothing else. What the records do not touch stays the same object.
 */
export function applyRecords(state: FeedState, records: readonly FeedRecord[]): FeedState {
  const fresh = records.filter((record, index) => record.seq > Math.max(state.seq, records[index - 1]?.seq ?? 0));
  const last = fresh.at(-1);
  if (!last) return state;
  const draft = new Draft(state);
  for (const record of fresh) {
    draft.state.at_ms = record.at_ms;
    take(draft, record);
  }
  draft.state.seq = last.seq;
  draft.state.recent = [...state.recent.slice(-Math.max(0, MOST_RECENT - fresh.length)), ...fresh].slice(-MOST_RECENT);
  return draft.state;
}

/** The state after one record. */
export function applyRecord(state: FeedState, record: FeedRecord): FeedState {
  return applyRecords(state, [record]);
}

function take(draft: Draft, record: FeedRecord) {
  if (!Object.hasOwn(sources, record.source)) return;
  try {
    sources[record.source]?.record(draft, record);
    // A content connection says something of the peer too.
    if (record.source === 'files' && record.kind.startsWith('peer-')) network.record(draft, record);
  } catch (error) {
    // A record of another shape than this page knows must not stop the feed: it stays readable in `recent`.
    console.warn(`record ${record.seq} (${record.source} ${record.kind}) was not understood`, error);
  }
}
