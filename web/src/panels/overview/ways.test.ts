import { expect, test } from 'vitest';
import { recording } from '../../../tests/recorded';
import type { components } from '../../api/schema';
import { reckon } from './ways';

type TorrentStatus = components['schemas']['TorrentStatus'];

const recorded = Object.entries(recording.answers).find(([key]) => /^GET .*\/torrents\/[0-9a-f]{40}$/.test(key));
const base = recorded?.[1].body as TorrentStatus;
const somebody = base.peers[0] as TorrentStatus['peers'][number];

const peer = (key: string, progress: number) => ({ ...somebody, key, address: null, progress });
const exchange = (of: string, downloaded: number, uploaded: number) => ({
  peer: of,
  path: 'tls' as const,
  downloaded,
  uploaded,
});
const torrent = (change: Partial<TorrentStatus>): TorrentStatus => ({
  ...base,
  size: 1000,
  done: 0,
  downloaded: 0,
  uploaded: 0,
  peers: [],
  exchanged: [],
  ...change,
});
const same = (id: string) => id;

test('this node shared it: one server would have sent it to everyone else, by what they have', () => {
  const shared = torrent({
    done: 1000,
    uploaded: 900,
    peers: [peer('a', 1), peer('b', 0.5)],
    // c took a part and left.
    exchanged: [exchange('a', 0, 500), exchange('b', 0, 200), exchange('c', 0, 200)],
  });
  expect(reckon(shared, same)).toEqual({ server: 1000 + 500 + 200, most: 900, peers: 4 });
});

test('this node fetched it: it counts too, and who had it from the beginning does not', () => {
  const fetched = torrent({
    done: 600,
    downloaded: 600,
    uploaded: 100,
    peers: [peer('seed', 1), peer('b', 0.3)],
    exchanged: [exchange('seed', 450, 0), exchange('b', 150, 100)],
  });
  expect(reckon(fetched, same)).toEqual({ server: 600 + 300, most: 450, peers: 3 });
});

test('one device met by its address and by its key is one', () => {
  const twice = torrent({
    done: 1000,
    uploaded: 500,
    peers: [peer('a', 0.5)],
    exchanged: [exchange('10.0.0.1:1', 0, 200), exchange('a', 0, 300)],
  });
  expect(reckon(twice, (id) => (id === '10.0.0.1:1' ? 'a' : id))).toEqual({ server: 500, most: 500, peers: 2 });
});

test('where nothing was exchanged there is nothing to compare', () => {
  expect(reckon(torrent({ done: 1000 }), same)).toBeNull();
  expect(reckon(torrent({ size: 0 }), same)).toBeNull();
});
