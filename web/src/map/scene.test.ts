import { expect, test } from 'vitest';
import type { Connections, MapPeer } from './graph';
import { Layout } from './layout';
import { compose, lineWidth } from './scene';

function peer(id: string, change: Partial<MapPeer> = {}): MapPeer {
  return {
    id,
    name: id,
    route: 'direct',
    note: '14 ms',
    rate_in: 0,
    rate_out: 0,
    colour: 'var(--t1)',
    pattern: 0,
    to: `/peers/${id}`,
    ...change,
  };
}

const scene = (connections: Connections) => compose(connections, new Layout(), 680, 300);

test('a relayed line runs through its relay, and what moves on it moves to the relay too', () => {
  const { lines, packets, self, relays } = scene({
    peers: [peer('bo', { route: 'relayed', via: 'oak', rate_in: 3_000_000 }), peer('anna')],
    relays: [{ id: 'oak', name: 'oak', note: '' }],
  });
  const oak = relays[0]?.at;
  const bo = lines.find(({ key }) => key === 'bo');
  const leg = lines.find(({ key }) => key === 'relay oak');
  expect(bo).toMatchObject({ route: 'relayed', width: lineWidth(3_000_000) });
  expect(bo?.points[0]).toEqual(oak);
  expect(leg?.points).toEqual([self, oak]);
  expect(leg?.width).toBe(bo?.width);
  expect(packets).toHaveLength(1);
  expect(packets[0]?.points).toEqual([bo?.points[1], oak, self]);
});

test('who is offline has no line', () => {
  const { lines, peers } = scene({ peers: [peer('jo', { route: 'offline' }), peer('anna')], relays: [] });
  expect(lines.map(({ key }) => key)).toEqual(['anna']);
  expect(peers).toHaveLength(2);
});

test('packets move only where bytes move', () => {
  const { packets } = scene({
    peers: [peer('still', { rate_in: 300 }), peer('in', { rate_in: 50_000 }), peer('out', { rate_out: 9_000_000 })],
    relays: [],
  });
  expect(packets.map(({ key }) => key)).toEqual(['in in', 'out out']);
  expect(packets[1]?.seconds).toBeLessThan(packets[0]?.seconds ?? 0);
});

test('a label changes its place for no figure', () => {
  const layout = new Layout();
  const many = (note: string) => Array.from({ length: 30 }, (_, index) => peer(`peer${index}`, { note }));
  const labels = (note: string) =>
    compose({ peers: many(note), relays: [] }, layout, 680, 300).peers.map((mark) => mark.label);
  expect(labels('1 ms')).toEqual(labels('1,204 ms · 48.2 MB/s'));
  expect(labels('1 ms').filter(Boolean).length).toBeGreaterThan(8);
});

test('labels lie over no other label and stay on the map', () => {
  const names = Array.from({ length: 24 }, (_, index) => peer(`a peer called ${index}`));
  const { peers } = scene({ peers: names, relays: [] });
  const boxes = peers.flatMap(({ label, peer: { name } }) => {
    if (!label) return [];
    const width = name.length * 6.7;
    const left = label.anchor === 'start' ? label.x : label.anchor === 'end' ? label.x - width : label.x - width / 2;
    return [{ left, right: left + width, top: label.y - 11, bottom: label.y + 17 }];
  });
  boxes.forEach((a, i) => {
    expect(a.left).toBeGreaterThanOrEqual(0);
    expect(a.right).toBeLessThanOrEqual(680);
    for (const b of boxes.slice(i + 1)) {
      expect(a.left < b.right && b.left < a.right && a.top < b.bottom && b.top < a.bottom).toBe(false);
    }
  });
});
