import type { Draft } from '../draft';
import type { FeedRecord } from '../types';

/** How the state of one source of the feed is kept. */
export interface Source {
  /** Takes the source's part of a snapshot. */
  snapshot(draft: Draft, state: unknown): void;
  /** Takes one record. Records carry the state they lead to: taking one twice does what taking it once does. */
  record(draft: Draft, record: FeedRecord): void;
}

/** A list in a snapshot, or nothing where there is none. */
export function listOf<T>(value: unknown): T[] {
  return Array.isArray(value) ? (value as T[]) : [];
}

/** A text in a record. */
export function textOf(value: unknown, absent: string): string {
  return typeof value === 'string' ? value : absent;
}
