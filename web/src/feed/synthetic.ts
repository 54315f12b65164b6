import type { FeedRecord, FeedSnapshot, PathKind } from './types';

/** Numbers from 0 to 1 that a seed repeats (mulberry32). */
export function random(seed: number): () => number {
  let state = seed >>> 0;
  return () => {
    state = (state + 0x6d2b79f5) >>> 0;
    let t = Math.imul(state ^ (state >>> 15), state | 1);
    t ^= t + Math.imul(t ^ (t >>> 7), t | 61);
    return ((t ^ (t >>> 14)) >>> 0) / 4_294_967_296;
  };
}

const PATHS: PathKind[] = ['tcp', 'tls', 'direct', 'relayed'];
const STATES = ['checking', 'downloading', 'seeding', 'paused'];
const RELAYS = ['https://elm/', 'https://oak/', 'https://ash/'];

/** A node's feed out of a seed, of every kind of record: for tests, never for the page. */
export function synthetic(size: { seed: number; torrents: number; peers: number; records: number }): {
  snapshot: FeedSnapshot;
  records: FeedRecord[];
} {
  const chance = random(size.seed);
  const below = (limit: number) => Math.floor(chance() * limit);
  const pick = <T>(list: readonly T[]): T => list[below(list.length)] as T;
  const hashes = Array.from({ length: size.torrents }, (_, i) => i.toString(16).padStart(40, '0'));
  const peers = Array.from({ length: size.peers }, (_, i) => `peer${i.toString(36).padStart(48, 'y')}`);
  const services = ['files', 'network', 'people'].map((name) => ({
    name,
    summary: '',
    core: true,
    on: true,
    health: { state: 'ok' },
  }));

  const torrent = (info_hash: string) => ({
    info_hash,
    name: `torrent ${info_hash.slice(-4)}`,
    dir: '/files',
    state: 'downloading',
    trouble: null,
    warnings: [],
    pieces: 1_000,
    pieces_done: 0,
    size: 1e9,
    wanted: 1e9,
    done: 0,
    progress: 0,
    complete: false,
    completed_at: null,
    rate_down: 0,
    rate_up: 0,
    eta_seconds: null,
    peers: [],
    trackers: [],
    files: [],
    exchanged: [],
  });
  const peer = (id: string) => ({
    id,
    key: id,
    contact: false,
    connections: 0,
    path: null,
    direction: null,
    connected_since_ms: null,
    last_seen_ms: 0,
    first_seen_ms: 0,
    rtt_ms: null,
    bytes_in: 0,
    bytes_out: 0,
    paths: [],
    addresses: [],
    relays: [],
    hello: {},
  });

  const snapshot: FeedSnapshot = {
    seq: 100,
    at_ms: 1_000_000,
    state: {
      node: {
        status: { peer: 'me', device_name: 'test', uptime_seconds: 1 },
        services,
        health: { status: 'ok', parts: Object.fromEntries(services.map(({ name }) => [name, { state: 'ok' }])) },
        sample: null,
      },
      files: { torrents: hashes.map(torrent), totals: { torrents: size.torrents, rate_down: 0, rate_up: 0 } },
      network: {
        status: { home_relay: null, relays: [], offered_relay: null, addresses: [], dht: { state: 'alone', nodes: 0 } },
        peers: peers.map(peer),
      },
      people: { me: null, contacts: [] },
    },
  };

  const kinds: (() => [source: string, kind: string, data: object])[] = [
    () => [
      'files',
      'piece-batch',
      {
        info_hash: pick(hashes),
        pieces_done: below(1_000),
        pieces: 1_000,
        done: below(1e9),
        wanted: 1e9,
        weave: { givers: ['', pick(peers)], cells: '01'.repeat(32) },
      },
    ],
    () => ['files', 'state-changed', { info_hash: pick(hashes), state: pick(STATES), trouble: null }],
    () => [
      'files',
      'torrent-added',
      { info_hash: `new${below(40)}`, name: 'new', dir: '/files', size: 5, private: false },
    ],
    () => ['files', 'torrent-removed', { info_hash: `new${below(40)}`, with_data: false }],
    () => ['files', 'torrent-completed', { info_hash: pick(hashes), wanted: 1e9 }],
    () => [
      'files',
      'metadata-received',
      { info_hash: pick(hashes), name: `named ${below(9)}`, size: below(1e9), files: 3 },
    ],
    () => ['files', 'peer-connected', { info_hash: pick(hashes), peer: pick(peers), path: pick(PATHS), origin: 'dht' }],
    () => [
      'files',
      'peer-disconnected',
      { info_hash: pick(hashes), peer: pick(peers), path: pick(PATHS), downloaded: 1, uploaded: 1, reason: 'done' },
    ],
    () => [
      'files',
      'warning',
      {
        info_hash: pick(hashes),
        trouble: chance() < 0.5 ? null : { kind: 'disk-full', message: 'full', mend: 'free' },
      },
    ],
    () => ['network', 'peer-connected', { peer: pick(peers), path: pick(PATHS), incoming: chance() < 0.5 }],
    () => ['network', 'peer-path-changed', { peer: pick(peers), from: 'relayed', to: pick(PATHS) }],
    () => ['network', 'peer-disconnected', { peer: pick(peers), reason: 'closed' }],
    () => ['network', 'relay-added', { url: pick(RELAYS) }],
    () => ['network', 'relay-lost', { url: pick(RELAYS), reason: 'silent', retry_ms: 1_000 }],
    () => ['network', 'home-relay', { url: pick(RELAYS), after_ms: null }],
    () => ['network', 'relay-offered', { url: 'https://me/', discovery_port: 1 }],
    () => ['network', 'relay-withdrawn', { url: 'https://me/' }],
    () => ['network', 'addresses-changed', { addresses: [`127.0.0.1:${below(9)}`], relays: [] }],
    () => ['network', 'dht', { state: 'joined', nodes: below(900) }],
    () => ['node', 'service-on', { service: pick(services).name }],
    () => ['node', 'service-off', { service: pick(services).name }],
    () => [
      'node',
      'health-changed',
      {
        part: pick(services).name,
        health: chance() < 0.5 ? { state: 'ok' } : { state: 'degraded', because: 'x', mend: 'y' },
      },
    ],
    () => [
      'people',
      'contact-added',
      { contact: { user_key: `u${below(20)}`, petname: `name ${below(99)}`, blocked: false, added: 0, devices: [] } },
    ],
    () => ['people', 'contact-removed', { user_key: `u${below(20)}`, petname: '' }],
    () => ['talk', 'message', { height: below(1e6) }],
  ];

  const sample = () => ({
    interval_ms: 1_000,
    cpu_ms: below(1e6),
    rss_bytes: below(1e9),
    idle: { since_ms: 0, bytes: below(1e6), cpu_ms: below(1e4) },
    services: {
      files: {
        busy: true,
        bytes_in: below(1e9),
        bytes_out: below(1e9),
        rate_in: below(1e8),
        rate_out: below(1e8),
        partners: [pick(peers)],
        detail: {
          torrents: Array.from({ length: 64 }, () => ({
            info_hash: pick(hashes),
            state: 'downloading',
            progress: chance(),
            done: below(1e9),
            rate_down: below(1e7),
            rate_up: below(1e7),
            eta_seconds: below(99),
            peers: below(50),
            downloaded: below(1e9),
            uploaded: below(1e9),
            ratio: chance(),
          })),
        },
      },
      network: {
        busy: true,
        bytes_in: 0,
        bytes_out: 0,
        rate_in: 0,
        rate_out: 0,
        partners: [],
        detail: {
          dht: { state: 'joined', nodes: below(500), lookups: below(1e4) },
          peers: Array.from({ length: 64 }, () => ({
            id: pick(peers),
            path: chance() < 0.2 ? null : pick(PATHS),
            rtt_ms: chance() * 90,
            rate_in: below(1e7),
            rate_out: below(1e7),
            bytes_in: below(1e9),
            bytes_out: below(1e9),
          })),
        },
      },
    },
  });

  const records = Array.from({ length: size.records }, (_, i): FeedRecord => {
    const [source, kind, data] =
      i % 500 === 499
        ? (['node', 'sample', sample()] as const)
        : // Mostly progress, as a busy node's feed is.
          chance() < 0.5
          ? (kinds[0] as () => [string, string, object])()
          : pick(kinds)();
    return { seq: 101 + i, at_ms: 1_000_000 + i * 2, source, kind, data: data as FeedRecord['data'] };
  });
  return { snapshot, records };
}
