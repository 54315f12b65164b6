import { readFileSync } from 'node:fs';
import { vi } from 'vitest';
import { applyRecords, applySnapshot, setPresent } from '../src/feed/store';
import { emptyState, type FeedRecord, type FeedSnapshot, type FeedState } from '../src/feed/types';

/** What `scripts/record.mjs` wrote of a real lab. */
export interface Recording {
  snapshot: FeedSnapshot;
  records: FeedRecord[];
  answers: Record<string, { status: number; body: unknown }>;
}

function read(name: string): Recording {
  return JSON.parse(readFileSync(`recordings/${name}.json`, 'utf8')) as Recording;
}

export const recording = read('lab');

/** One of four validators, while coins are sent, a hash is anchored, and one validator's stake grows and another leaves. */
export const ledgerRecording = read('ledger');

/** The lab's node after so many of the recorded records; after all of them by default. */
export function recordedState(records?: number, of = recording): FeedState {
  const begun = applySnapshot({ ...emptyState, connection: 'live' }, of.snapshot);
  return applyRecords(begun, of.records.slice(0, records));
}

/** Makes the recorded node the present one, for components. */
export function play(state: FeedState = recordedState()): FeedState {
  setPresent(state);
  return state;
}

/** A request that was made in a test. */
export interface Asked {
  method: string;
  path: string;
  body: unknown;
}

/**
 * Answers the page's questions as the recorded node did; `answers` come first. Returns what was asked, in order.
 */
export function answerAsRecorded(
  answers: Record<string, { status: number; body?: unknown }> = {},
  of = recording,
): Asked[] {
  const asked: Asked[] = [];
  vi.stubGlobal('fetch', async (input: Request | URL | string, init?: RequestInit) => {
    const request = new Request(input, init);
    const { pathname, search } = new URL(request.url);
    const text = await request.text();
    asked.push({ method: request.method, path: pathname + search, body: text === '' ? undefined : JSON.parse(text) });
    const exact = `${request.method} ${pathname}${search}`;
    const key = `${request.method} ${pathname}`;
    const answer = answers[exact] ?? answers[key] ?? of.answers[exact] ?? of.answers[key];
    if (!answer) {
      const body = { status: 404, code: 'not-recorded', error: `${key} was not recorded`, mend: '' };
      return Response.json(body, { status: 404 });
    }
    return answer.body === undefined
      ? new Response(null, { status: answer.status })
      : Response.json(answer.body, { status: answer.status });
  });
  return asked;
}
