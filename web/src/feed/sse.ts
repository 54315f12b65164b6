import { createParser } from 'eventsource-parser';
import { problemFrom, problemOf, type Problem } from '../api/problem';
import type { FeedRecord, FeedSnapshot } from './types';

/** What the feed says. */
export type FeedItem =
  | { type: 'snapshot'; snapshot: FeedSnapshot }
  | { type: 'event'; record: FeedRecord }
  | { type: 'resync'; missed_from: number; head: number };

export interface Following {
  /** The headers of each request. */
  headers: () => Record<string, string>;
  /** Where to read on, asked before each attempt; null for a fresh snapshot. */
  position: () => Promise<number | null>;
  onOpen: () => void;
  onItem: (item: FeedItem, bytes: number) => void;
  /** The connection ended or could not be made; the next attempt is in `retry_ms`. */
  onDown: (problem: Problem, retry_ms: number) => void;
  /** The node knows us no more: there is no next attempt. */
  onRefused: () => void;
  signal: AbortSignal;
}

/** The node says something every 15 s at least: after three times that the line is dead. */
const SILENCE_MS = 45_000;
const FIRST_RETRY_MS = 500;
const LONGEST_RETRY_MS = 10_000;

/** 0.5 s, 1 s, 2 s … 10 s, each between half and all of it, so that many pages do not come back at once. */
export function retryAfter(attempt: number, random: () => number = Math.random): number {
  const whole = Math.min(LONGEST_RETRY_MS, FIRST_RETRY_MS * 2 ** Math.min(attempt, 10));
  return Math.round(whole * (0.5 + random() / 2));
}

/** Follows the event feed until `signal` ends it, over any number of connections. */
export async function follow(following: Following): Promise<void> {
  const { signal } = following;
  let attempt = 0;
  while (!signal.aborted) {
    let problem: Problem;
    try {
      const end = await readOnce(following, () => {
        attempt = 0;
      });
      if (end === 'refused') return following.onRefused();
      problem = end;
    } catch (thrown) {
      if (signal.aborted) return;
      problem = problemOf(thrown);
    }
    if (signal.aborted) return;
    const retry = retryAfter(attempt++);
    following.onDown(problem, retry);
    await pause(retry, signal);
  }
}

/** One connection: why it ended, or that we were refused. */
async function readOnce(following: Following, onFirst: () => void): Promise<Problem | 'refused'> {
  const after = await following.position();
  const address = new URL('/api/v1/events', location.origin);
  if (after !== null) address.searchParams.set('after', String(after));
  const line = new AbortController();
  const stop = () => line.abort();
  following.signal.addEventListener('abort', stop);
  let watch = setTimeout(stop, SILENCE_MS);
  try {
    const headers = { Accept: 'text/event-stream', ...following.headers() };
    const options = { headers, credentials: 'same-origin', cache: 'no-store', signal: line.signal } as const;
    const response = await fetch(address, options);
    if (response.status === 401) return 'refused';
    if (!response.ok || !response.body) return problemFrom(response.status, await jsonOf(response));
    following.onOpen();
    const parser = createParser({
      onEvent: ({ event, data }) => {
        const item = read(event, data);
        if (!item) return;
        onFirst();
        following.onItem(item, data.length);
      },
    });
    const reader = response.body.getReader();
    const text = new TextDecoder();
    for (;;) {
      const { done, value } = await reader.read();
      if (done) return problemOf(new TypeError('the feed ended'));
      clearTimeout(watch);
      watch = setTimeout(stop, SILENCE_MS);
      parser.feed(text.decode(value, { stream: true }));
    }
  } finally {
    clearTimeout(watch);
    following.signal.removeEventListener('abort', stop);
    // Without this an error in the parser would leave the connection open.
    line.abort();
  }
}

async function jsonOf(response: Response): Promise<unknown> {
  try {
    return await response.json();
  } catch {
    return null;
  }
}

/** An event of the stream; those of an unknown type are passed over. */
function read(event: string | undefined, data: string): FeedItem | null {
  switch (event) {
    case 'snapshot':
      return { type: 'snapshot', snapshot: JSON.parse(data) as FeedSnapshot };
    case 'event':
      return { type: 'event', record: JSON.parse(data) as FeedRecord };
    case 'resync':
      return { type: 'resync', ...(JSON.parse(data) as { missed_from: number; head: number }) };
    default:
      return null;
  }
}

/** Waits; the network's return and a look at the page end the wait early. */
function pause(ms: number, signal: AbortSignal): Promise<void> {
  return new Promise((resolve) => {
    const done = () => {
      clearTimeout(timer);
      removeEventListener('online', done);
      document.removeEventListener('visibilitychange', onVisible);
      signal.removeEventListener('abort', done);
      resolve();
    };
    const onVisible = () => {
      if (document.visibilityState === 'visible') done();
    };
    const timer = setTimeout(done, ms);
    addEventListener('online', done);
    document.addEventListener('visibilitychange', onVisible);
    signal.addEventListener('abort', done);
  });
}
