import { expect, test } from 'vitest';
import { Layout, type LayoutNode, type Place } from './layout';

const peers = (count: number, from = 0): LayoutNode[] =>
  Array.from({ length: count }, (_, index) => ({ id: `peer${index + from}`, kind: 'peer' }));

function nearest(places: ReadonlyMap<string, Place>): number {
  const all = [...places.values()];
  let best = Infinity;
  all.forEach((a, i) => all.slice(i + 1).forEach((b) => (best = Math.min(best, Math.hypot(a.x - b.x, a.y - b.y)))));
  return best;
}

test('the same peers stand at the same places', () => {
  const nodes: LayoutNode[] = [...peers(9), { id: 'relay', kind: 'relay' }];
  expect(new Layout().arrange(nodes)).toEqual(new Layout().arrange(nodes));
});

test('who has a place keeps it, whoever comes or goes', () => {
  const layout = new Layout();
  const before = new Map(layout.arrange(peers(8)));
  const grown = layout.arrange([...peers(8), ...peers(20, 8)]);
  for (const [id, place] of before) expect(grown.get(id)).toEqual(place);
  const fewer = layout.arrange(peers(28).filter((_, index) => index % 3 === 0));
  for (const [id, place] of fewer) expect(place).toEqual(grown.get(id));
  expect(layout.arrange(peers(8))).toEqual(before);
});

test.each([1, 2, 7, 12, 28, 60, 300])('%i peers stand apart, and on the map', (count) => {
  const places = new Layout().arrange(peers(count));
  expect(places.size).toBe(count);
  for (const { x, y } of places.values()) expect(Math.hypot(x, y)).toBeLessThanOrEqual(1 + 1e-9);
  if (count > 1) expect(nearest(places)).toBeGreaterThan(count > 28 ? 0.4 / Math.sqrt(count) : 0.12);
});

test('peers that come one by one spread out too', () => {
  const layout = new Layout();
  let places: ReadonlyMap<string, Place> = new Map();
  for (let count = 1; count <= 12; count++) places = layout.arrange(peers(count));
  expect(nearest(places)).toBeGreaterThan(0.15);
});

test('a relayed peer stands beyond its relay', () => {
  const places = new Layout().arrange([
    { id: 'oak', kind: 'relay' },
    ...peers(6),
    { id: 'bo', kind: 'peer', via: 'oak' },
  ]);
  const [oak, bo] = [places.get('oak'), places.get('bo')] as [Place, Place];
  expect(Math.hypot(bo.x, bo.y)).toBeGreaterThan(Math.hypot(oak.x, oak.y) + 0.2);
  const turn = Math.atan2(bo.y, bo.x) - Math.atan2(oak.y, oak.x);
  expect(Math.abs(Math.atan2(Math.sin(turn), Math.cos(turn)))).toBeLessThan(0.6);
});
