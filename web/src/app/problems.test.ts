import { expect, test } from 'vitest';
import { recordedState } from '../../tests/recorded';
import type { FeedState, Torrent } from '../feed/types';
import { connectedPeers, problems } from './problems';

const calm = recordedState(40);
const first = [...calm.files.torrents.keys()][0] ?? '';
const DISK = { kind: 'disk-full' as const, message: 'the disk of /data is full', mend: 'free 2 GB there' };

function withTorrent(change: Partial<Torrent>): FeedState {
  const torrents = new Map(calm.files.torrents);
  const torrent = torrents.get(first);
  if (torrent) torrents.set(first, { ...torrent, ...change });
  return { ...calm, files: { ...calm.files, torrents } };
}

function withPart(state: FeedState, part: string): FeedState {
  const parts = { ...state.node.health?.parts, [part]: { state: 'degraded' as const, because: 'why', mend: 'do' } };
  return { ...state, node: { ...state.node, health: { status: 'degraded', parts } } };
}

const says = (state: FeedState) => problems(state).map(({ say }) => say);

test('of a node that does well nothing is said', () => {
  expect(says(calm)).toEqual([]);
});

test('the worst comes first: what is lost, what stands, what only goes worse', () => {
  const all = withPart(withPart(withTorrent({ state: 'error', trouble: DISK }), 'files'), 'store');
  expect(says(all)).toEqual(['store', 'part', 'torrent']);
  expect(problems(all).map(({ tone }) => tone)).toEqual(['bad', 'bad', 'bad']);
});

test('a torrent that stopped tells why, what mends it, and leads there', () => {
  const [trouble] = problems(withTorrent({ state: 'error', trouble: DISK }));
  expect(trouble).toMatchObject({ because: DISK.message, mend: DISK.mend, go: { to: `/files/${first}` } });
});

test('a warning of a torrent that goes on is no stop', () => {
  const [trouble] = problems(withTorrent({ warnings: [DISK] }));
  expect(trouble).toMatchObject({ say: 'warning', tone: 'warn' });
});

test('a silent node says nothing of itself: only that is told', () => {
  const offline: FeedState = { ...withPart(calm, 'store'), connection: 'offline' };
  expect(says(offline)).toEqual(['offline']);
  // The past is no less true for it.
  expect(says({ ...offline, replay: { at_ms: 1 } })).toEqual(['store']);
});

test('being alone is told, and what waits because of it', () => {
  const alone: FeedState = { ...calm, network: { ...calm.network, peers: new Map() } };
  const [trouble] = problems(alone);
  const waiting = [...alone.files.torrents.values()].filter(({ state }) => state === 'downloading').length;
  expect(waiting).toBeGreaterThan(0);
  expect(trouble).toMatchObject({ say: 'alone', tone: 'warn', advice: 'alone-waiting', values: { count: waiting } });
});

test('a device with several addresses counts once, by its best path', () => {
  const known = [...calm.network.peers.values()].find((peer) => peer.key != null && peer.addresses.length > 0);
  if (!known) return expect.fail('nobody with a key was recorded');
  const address = known.addresses[0]?.address ?? '';
  const relayed = { ...known, connections: 1, path: 'relayed' as const };
  const plain = { ...known, id: address, key: null, addresses: [], connections: 2, path: 'tcp' as const };
  const count = (...peers: (typeof relayed | typeof plain)[]) => {
    const network = { ...calm.network, peers: new Map(peers.map((peer) => [peer.id, peer])) };
    return connectedPeers({ ...calm, network });
  };
  expect(count(relayed)).toEqual({ direct: 0, relayed: 1 });
  expect(count(relayed, plain)).toEqual({ direct: 1, relayed: 0 });
  expect(count({ ...relayed, connections: 0 })).toEqual({ direct: 0, relayed: 0 });
});
