import { describe, expect, test, vi } from 'vitest';
import { applyRecord, applyRecords, applySnapshot } from './reduce';
import { emptyState, MOST_RECENT, type FeedRecord, type FeedSnapshot, type FeedState } from './types';
import { random, synthetic } from './synthetic';

const TORRENTS = 200;
const PEERS = 300;

function world(seed: number, records: number): { snapshot: FeedSnapshot; records: FeedRecord[] } {
  return synthetic({ seed, torrents: TORRENTS, peers: PEERS, records });
}

/** The state without what merely tells of how it came about. */
function seen({ node, files, network, people, ledger, other }: FeedState) {
  return { node, files, network, people, ledger, other };
}

describe('the reducer', () => {
  test('a record taken twice does what it does once', () => {
    const { snapshot, records } = world(1, 2_000);
    let state = applySnapshot(emptyState, snapshot);
    for (const record of records) {
      state = applyRecord(state, record);
      expect(applyRecord(state, record)).toBe(state);
      // As a snapshot taken meanwhile would have it: the record's effect is there, and the record comes again.
      const again = applyRecord({ ...state, seq: record.seq - 1 }, record);
      expect(seen(again)).toEqual(seen(state));
    }
  });

  test('records that the state has already change nothing, in whatever pieces they come', () => {
    for (const seed of [2, 3, 4, 5]) {
      const { snapshot, records } = world(seed, 600);
      const begun = applySnapshot(emptyState, snapshot);
      const whole = applyRecords(begun, records);
      expect(applyRecords(whole, records)).toBe(whole);
      const chance = random(seed);
      let state = begun;
      for (let at = 0; at < records.length;) {
        const end = at + 1 + Math.floor(chance() * 40);
        // Each piece repeats some of what came before.
        state = applyRecords(state, records.slice(Math.max(0, at - Math.floor(chance() * 30)), end));
        at = end;
      }
      expect(state).toEqual(whole);
    }
  });

  test('one batch and one record at a time lead to the same state', () => {
    const { snapshot, records } = world(6, 500);
    const begun = applySnapshot(emptyState, snapshot);
    expect(records.reduce(applyRecord, begun)).toEqual(applyRecords(begun, records));
  });

  test('the state before stays as it was', () => {
    const { snapshot, records } = world(7, 500);
    const before = applySnapshot(emptyState, snapshot);
    const copy = structuredClone(before);
    applyRecords(before, records);
    expect(before).toEqual(copy);
  });

  test('what a record does not touch stays the same object', () => {
    const { snapshot } = world(8, 0);
    const before = applySnapshot(emptyState, snapshot);
    const [first, second] = [...before.files.torrents.keys()];
    const data = { info_hash: first, pieces_done: 7, pieces: 100, done: 700, wanted: 10_000 };
    const after = applyRecord(before, { seq: before.seq + 1, at_ms: 1, source: 'files', kind: 'piece-batch', data });
    expect(after.files.torrents.get(String(first))).toMatchObject({ pieces_done: 7, progress: 0.07 });
    expect(after.files.torrents.get(String(second))).toBe(before.files.torrents.get(String(second)));
    expect(after.network).toBe(before.network);
    expect(after.people).toBe(before.people);
    expect(after.node).toBe(before.node);
  });

  test('a torrent keeps its place in the list', () => {
    const { snapshot, records } = world(9, 2_000);
    const begun = applySnapshot(emptyState, snapshot);
    const after = applyRecords(begun, records);
    const kept = [...begun.files.torrents.keys()].filter((id) => after.files.torrents.has(id));
    expect([...after.files.torrents.keys()].slice(0, kept.length)).toEqual(kept);
  });

  test('unknown sources and kinds are kept to be read and do no harm', () => {
    const { snapshot } = world(10, 0);
    const before = applySnapshot(emptyState, {
      ...snapshot,
      state: { ...snapshot.state, talk: { height: 18_204 } },
    });
    expect(before.other).toEqual({ talk: { height: 18_204 } });
    const odd = ['talk', 'files', '__proto__', 'constructor'].map((source, i) => ({
      seq: before.seq + 1 + i,
      at_ms: 5,
      source,
      kind: 'block',
      data: {},
    }));
    const after = applyRecords(before, odd);
    expect(after.recent).toEqual(odd);
    expect(seen(after)).toEqual(seen(before));
  });

  test('a record of another shape than this page knows does not stop the feed', () => {
    const warn = vi.spyOn(console, 'warn').mockImplementation(() => undefined);
    const { snapshot } = world(11, 0);
    const before = applySnapshot(emptyState, snapshot);
    const broken = { seq: before.seq + 1, at_ms: 5, source: 'people', kind: 'contact-added', data: {} };
    const after = applyRecord(before, broken);
    expect(after.seq).toBe(broken.seq);
    expect(seen(after)).toEqual(seen(before));
    expect(warn).toHaveBeenCalledOnce();
  });

  test('the last thousand records are kept, the newest last', () => {
    const { snapshot, records } = world(12, MOST_RECENT + 500);
    let state = applySnapshot(emptyState, snapshot);
    for (let at = 0; at < records.length; at += 250) state = applyRecords(state, records.slice(at, at + 250));
    expect(state.recent).toHaveLength(MOST_RECENT);
    expect(state.recent.at(-1)).toBe(records.at(-1));
    expect(applyRecords(applySnapshot(emptyState, snapshot), records).recent).toEqual(state.recent);
  });

  test('a node that began anew leaves no records of its former life among the new ones', () => {
    const { snapshot, records } = world(13, 50);
    const before = applyRecords(applySnapshot(emptyState, snapshot), records);
    expect(applySnapshot(before, { ...snapshot, seq: before.seq }).recent).toHaveLength(50);
    expect(applySnapshot(before, { ...snapshot, seq: 3 }).recent).toHaveLength(0);
  });

  test('a sample tells of torrents and peers, and of those it does not name nothing moves', () => {
    const { snapshot } = world(14, 0);
    const before = applySnapshot(emptyState, snapshot);
    const [first, second] = [...before.files.torrents.keys()] as [string, string];
    const sample = (torrents: object[], peers: object[]) => ({
      interval_ms: 1000,
      cpu_ms: 1,
      rss_bytes: 1,
      idle: { since_ms: 0, bytes: 0, cpu_ms: 0 },
      services: {
        files: { busy: true, bytes_in: 9, bytes_out: 8, rate_in: 7, rate_out: 6, partners: [], detail: { torrents } },
        network: { busy: true, bytes_in: 0, bytes_out: 0, rate_in: 0, rate_out: 0, partners: [], detail: { peers } },
      },
    });
    const record = (seq: number, data: object): FeedRecord => ({
      seq: before.seq + seq,
      at_ms: 9,
      source: 'node',
      kind: 'sample',
      data: data as FeedRecord['data'],
    });
    const peer = { id: 'stranger', path: 'direct', rtt_ms: 4, rate_in: 5, rate_out: 0, bytes_in: 5, bytes_out: 0 };
    const one = applyRecord(before, record(1, sample([{ info_hash: first, rate_down: 5, peers: 3 }], [peer])));
    expect(one.files.torrents.get(first)).toMatchObject({ rate_down: 5, peer_count: 3 });
    expect(one.files.totals).toMatchObject({ rate_down: 7, rate_up: 6, downloaded: 9, uploaded: 8 });
    expect(one.network.peers.get('stranger')).toMatchObject({ path: 'direct', rtt_ms: 4, connections: 1 });
    const two = applyRecord(one, record(2, sample([{ info_hash: second, rate_down: 1 }], [])));
    expect(two.files.torrents.get(first)).toMatchObject({ rate_down: 0, peer_count: 3 });
    expect(two.network.peers.get('stranger')).toMatchObject({ rate_in: 0, connections: 1 });
  });

  test('health, services, relays and contacts follow their records', () => {
    const { snapshot } = world(15, 0);
    let state = applySnapshot(emptyState, snapshot);
    const take = (source: string, kind: string, data: object) => {
      state = applyRecord(state, {
        seq: state.seq + 1,
        at_ms: 7,
        source,
        kind,
        data: data as FeedRecord['data'],
      });
    };
    const degraded = { state: 'degraded', because: 'the disk is full', mend: 'free some' };
    take('node', 'health-changed', { part: 'files', health: degraded });
    expect(state.node.health).toMatchObject({ status: 'degraded', parts: { files: degraded } });
    expect(state.node.status?.services.find((service) => service.name === 'files')?.health).toEqual(degraded);
    take('node', 'health-changed', { part: 'files', health: { state: 'ok' } });
    expect(state.node.health?.status).toBe('ok');
    take('network', 'home-relay', { url: 'https://elm/' });
    take('network', 'home-relay', { url: 'https://oak/' });
    expect(state.network.status).toMatchObject({ home_relay: 'https://oak/' });
    expect(state.network.status?.relays.filter((relay) => relay.home).map((relay) => relay.url)).toEqual([
      'https://oak/',
    ]);
    take('network', 'relay-lost', { url: 'https://oak/', reason: 'gone', retry_ms: 9 });
    expect(state.network.status?.home_relay).toBeNull();
    const contact = { user_key: 'u', petname: 'anna', blocked: false, added: 0, devices: [] };
    take('people', 'contact-added', { contact });
    take('people', 'contact-changed', { contact: { ...contact, petname: 'zoe' } });
    expect(state.people.contacts.filter((known) => known.user_key === 'u')).toEqual([{ ...contact, petname: 'zoe' }]);
    take('people', 'contact-removed', { user_key: 'u', petname: 'zoe' });
    expect(state.people.contacts.some((known) => known.user_key === 'u')).toBe(false);
  });

  test('what a thousand records cost', () => {
    const { snapshot, records } = world(16, 10_000);
    let state = applySnapshot(emptyState, snapshot);
    const begun = performance.now();
    // 500 a second at 60 frames a second: 8 a batch.
    for (let at = 0; at < records.length; at += 8) state = applyRecords(state, records.slice(at, at + 8));
    const ms = (performance.now() - begun) / 10;
    console.info(`feed: ${ms.toFixed(2)} ms for 1,000 records in batches of 8, ${TORRENTS} torrents, ${PEERS} peers`);
    expect(state.seq).toBe(records.at(-1)?.seq);
  });
});
