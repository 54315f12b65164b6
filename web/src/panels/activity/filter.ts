import type { FeedRecord } from '../../feed/types';

export interface Filter {
  source: string | null;
  kind: string | null;
  peer: string | null;
  text: string;
}

export const everything: Filter = { source: null, kind: null, peer: null, text: '' };

/** The peer a record is about. */
export function peerOf(record: FeedRecord): string | null {
  const peer = record.data['peer'];
  return typeof peer === 'string' ? peer : null;
}

/** What comes every second says what figures say better: it is shown only when it is asked for. */
export const PROGRESS: ReadonlySet<string> = new Set(['sample', 'piece-batch']);

/** Whether a record is among what is wanted. */
export function passes(filter: Filter, record: FeedRecord, sentence: (record: FeedRecord) => string): boolean {
  if (filter.source !== null && record.source !== filter.source) return false;
  if (filter.kind === null ? PROGRESS.has(record.kind) : record.kind !== filter.kind) return false;
  if (filter.peer !== null && peerOf(record) !== filter.peer) return false;
  const wanted = filter.text.trim().toLowerCase();
  if (wanted === '') return true;
  return sentence(record).toLowerCase().includes(wanted) || JSON.stringify(record.data).toLowerCase().includes(wanted);
}
