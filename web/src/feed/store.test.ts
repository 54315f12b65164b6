import { afterEach, beforeEach, describe, expect, test, vi } from 'vitest';
import { act, renderHook } from '@testing-library/react';
import { useSession } from '../api/session';
import { enterReplay, leaveReplay } from './replay';
import { retryAfter } from './sse';
import { feedCounts, feedState, setPresent, startFeed, useFeed } from './store';
import { synthetic } from './synthetic';
import { emptyState, type FeedRecord, type FeedSnapshot } from './types';

const { snapshot, records } = synthetic({ seed: 1, torrents: 5, peers: 5, records: 60 });

/** A node: its answers, and a line that is written to by hand. */
class Node {
  readonly asked: URL[] = [];
  readonly headers: Headers[] = [];
  uptime = 100;
  refuse = false;
  #line: ReadableStreamDefaultController<Uint8Array> | null = null;

  constructor() {
    vi.stubGlobal('fetch', (input: RequestInfo | URL, init?: RequestInit) => this.#answer(new Request(input, init)));
  }

  #answer(request: Request): Promise<Response> {
    const url = new URL(request.url);
    if (this.refuse) return Promise.resolve(Response.json({ error: 'who are you' }, { status: 401 }));
    if (url.pathname === '/api/v1/status') {
      return Promise.resolve(Response.json({ pid: 7, uptime_seconds: this.uptime }));
    }
    if (url.pathname === '/api/v1/events/replay') {
      const at_ms = Number(url.searchParams.get('at_ms'));
      if (at_ms < 5) return Promise.resolve(Response.json({ error: 'too old', code: 'gone' }, { status: 410 }));
      return Promise.resolve(Response.json({ at_ms, snapshot, records: records.slice(0, 3) }));
    }
    this.asked.push(url);
    this.headers.push(request.headers);
    const body = new ReadableStream<Uint8Array>({
      start: (line) => {
        this.#line = line;
        request.signal.addEventListener('abort', () => this.#line === line && this.drop());
      },
    });
    return Promise.resolve(new Response(body, { headers: { 'content-type': 'text/event-stream' } }));
  }

  say(event: string, data: unknown) {
    this.#line?.enqueue(new TextEncoder().encode(`event: ${event}\ndata: ${JSON.stringify(data)}\n\n`));
  }
  snapshot(at: FeedSnapshot = snapshot) {
    this.say('snapshot', at);
  }
  records(some: FeedRecord[]) {
    for (const record of some) this.say('event', record);
  }
  drop() {
    try {
      this.#line?.error(new TypeError('connection lost'));
    } catch {
      // It was ended already.
    }
    this.#line = null;
  }
}

let node: Node;
let stop: () => void;

beforeEach(() => {
  localStorage.setItem('weft.csrf', 'word');
  setPresent(emptyState);
  leaveReplay();
  node = new Node();
  useSession.setState({ state: 'in' });
  stop = startFeed();
});
afterEach(() => {
  stop();
  vi.unstubAllGlobals();
  useSession.setState({ state: 'starting' });
});

const until = (check: () => void) => vi.waitFor(check, { timeout: 4_000, interval: 5 });

describe('the feed', () => {
  test('a snapshot and the records after it become the state', async () => {
    await until(() => expect(node.asked).toHaveLength(1));
    expect(node.asked[0]?.searchParams.has('after')).toBe(false);
    expect(node.headers[0]?.get('X-Weft-CSRF')).toBe('word');
    expect(feedState().connection).toBe('connecting');
    node.snapshot();
    node.records(records);
    await until(() => expect(feedState().seq).toBe(records.at(-1)?.seq));
    expect(feedState()).toMatchObject({ connection: 'live', problem: null });
    expect(feedState().recent).toHaveLength(records.length);
  });

  test('a lost line is taken up where it was, and a node that began anew is read from its beginning', async () => {
    await until(() => expect(node.asked).toHaveLength(1));
    node.snapshot();
    node.records(records.slice(0, 10));
    await until(() => expect(feedState().seq).toBe(110));
    node.drop();
    await until(() => expect(feedState().connection).toBe('offline'));
    await until(() => expect(node.asked).toHaveLength(2));
    expect(node.asked[1]?.searchParams.get('after')).toBe('110');
    await until(() => expect(feedState().connection).toBe('live'));
    node.records(records.slice(10, 12));
    await until(() => expect(feedState().seq).toBe(112));

    node.uptime = 2;
    node.drop();
    await until(() => expect(node.asked).toHaveLength(3));
    expect(node.asked[2]?.searchParams.has('after')).toBe(false);
    node.snapshot({ ...snapshot, seq: 4 });
    await until(() => expect(feedState().seq).toBe(4));
    expect(feedState().recent).toHaveLength(0);
  });

  test('a resync is followed by a snapshot and the state is whole again', async () => {
    await until(() => expect(node.asked).toHaveLength(1));
    node.snapshot();
    await until(() => expect(feedState().seq).toBe(100));
    const before = feedCounts().resyncs;
    node.say('resync', { missed_from: 101, head: 900 });
    node.snapshot({ ...snapshot, seq: 900 });
    await until(() => expect(feedState().seq).toBe(900));
    expect(feedCounts().resyncs).toBe(before + 1);
  });

  test('a page that is signed out asks no more and shows nothing of what it saw', async () => {
    await until(() => expect(node.asked).toHaveLength(1));
    node.snapshot();
    await until(() => expect(feedState().files.torrents.size).toBe(5));
    node.refuse = true;
    node.drop();
    await until(() => expect(feedState().connection).toBe('signed-out'));
    expect(useSession.getState().state).toBe('out');
    expect(feedState().files.torrents.size).toBe(0);
    const asked = node.asked.length;
    await new Promise((resolve) => setTimeout(resolve, 700));
    expect(node.asked).toHaveLength(asked);
  });

  test('the past is shown to the whole page while the present goes on unseen', async () => {
    await until(() => expect(node.asked).toHaveLength(1));
    node.snapshot();
    node.records(records.slice(0, 20));
    await until(() => expect(feedState().seq).toBe(120));
    await enterReplay(1_000);
    expect(feedState()).toMatchObject({ seq: 103, replay: { at_ms: 1_000 }, connection: 'live' });
    const batches = feedCounts().batches;
    node.records(records.slice(20, 30));
    await until(() => expect(feedCounts().batches).toBeGreaterThan(batches));
    expect(feedState().seq).toBe(103);
    leaveReplay();
    expect(feedState()).toMatchObject({ seq: 130, replay: null });
    await expect(enterReplay(1)).rejects.toMatchObject({ problem: { status: 410 } });
    expect(feedState().replay).toBeNull();
  });

  test('a selector that nothing touched does not render again', async () => {
    await until(() => expect(node.asked).toHaveLength(1));
    node.snapshot();
    await until(() => expect(feedState().seq).toBe(100));
    let renders = 0;
    const { result } = renderHook(() => {
      renders += 1;
      return useFeed((state) => [...state.people.contacts.map((contact) => contact.petname)]);
    });
    const progress = records.filter((record) => record.kind === 'piece-batch').slice(0, 5);
    expect(progress.length).toBeGreaterThan(2);
    await act(async () => {
      node.records(progress);
      await until(() => expect(feedState().seq).toBe(progress.at(-1)?.seq));
    });
    expect(result.current).toEqual([]);
    expect(renders).toBe(1);
  });
});

test('attempts are spread, grow, and stay under ten seconds', () => {
  expect([0, 1, 2, 3, 4, 5, 50].map((attempt) => retryAfter(attempt, () => 1))).toEqual([
    500, 1_000, 2_000, 4_000, 8_000, 10_000, 10_000,
  ]);
  expect(retryAfter(3, () => 0)).toBe(2_000);
});
