import { expect, test } from 'vitest';
import { clothOf, type WeaveMap } from './cloth';
import { rowTop } from './geometry';
import { mapOf } from './mapOf';
import { paintMatrix, type Scene } from './paint';
import type { Thread } from './thread';

interface Stroke {
  style: string;
  alpha: number;
  boxes: number[][];
}

/** A canvas that remembers what was filled and stroked. */
function recorder() {
  const filled: Stroke[] = [];
  const stroked: Stroke[] = [];
  let boxes: number[][] = [];
  const context = {
    fillStyle: '',
    strokeStyle: '',
    globalAlpha: 1,
    lineWidth: 1,
    setTransform() {},
    clearRect() {},
    beginPath() {
      boxes = [];
    },
    rect(...box: number[]) {
      boxes.push(box);
    },
    roundRect(...box: number[]) {
      boxes.push(box.slice(0, 4));
    },
    fill() {
      filled.push({ style: this.fillStyle, alpha: this.globalAlpha, boxes });
    },
    stroke() {
      stroked.push({ style: this.strokeStyle, alpha: this.globalAlpha, boxes });
    },
  };
  return { context: context as unknown as CanvasRenderingContext2D, filled, stroked };
}

const palette = {
  threads: ['t0', 't1', 't2', 't3', 't4', 't5', 't6', 't7'],
  undyed: 'undyed',
  ink: 'ink',
  ink2: 'ink2',
  line: 'line',
  sunk: 'sunk',
  surface: 'surface',
};
const threadOf = (peer: string): Thread => {
  const place = Number(peer.replace('peer', ''));
  return { index: place % 8, pattern: place < 8 ? 0 : 1 };
};
const scene = (map: WeaveMap, width: number): Scene => ({
  cloth: clothOf(map),
  width,
  ratio: 1,
  palette,
  threadOf,
  hatch: 'hatch',
});

test('your row has the hue of each giver, from below as far as the column is here; what is missing is hatched', () => {
  const map: WeaveMap = {
    ...mapOf(1, 4, 4, 1),
    givers: [
      { peer: '', pieces: 1 },
      { peer: 'peer2', pieces: 2 },
    ],
    giver: [1, 1, 0, -1],
    have: [100, 50, 100, 0],
    reading: [3],
    rows: [],
  };
  const { context, filled, stroked } = recorder();
  paintMatrix(context, scene(map, 40));
  const top = rowTop(0);
  expect(filled.find(({ style }) => style === 't2')?.boxes).toEqual([
    [0, top, 9, 20],
    [10, top + 10, 9, 10],
  ]);
  expect(filled.find(({ style }) => style === 'undyed')?.boxes).toEqual([[20, top, 9, 20]]);
  expect(filled.find(({ style }) => style === 'hatch')?.boxes.map(([x]) => x)).toEqual([10, 30]);
  expect(stroked[0]).toMatchObject({ style: 'ink', boxes: [[30 - 1.25, top - 1.25, 11.5, 22.5]] });
});

test('a peer is pale where it has pieces and strong where it gave them; the ninth is cut by a pattern', () => {
  const map: WeaveMap = {
    ...mapOf(1, 3, 3, 1),
    givers: [
      { peer: '', pieces: 0 },
      { peer: 'peer8', pieces: 1 },
    ],
    giver: [1, -1, -1],
    have: [100, 0, 0],
    reading: [],
    rows: [{ peer: 'peer8', seed: false, have: [100, 100, 0], reading: [] }],
  };
  const { context, filled } = recorder();
  paintMatrix(context, scene(map, 30));
  const row = filled.filter(({ style, boxes }) => style === 't0' && boxes[0]?.[1] === rowTop(1));
  expect(row.map(({ alpha, boxes }) => [alpha, boxes.length])).toEqual([
    [0.95, 1],
    [0.28, 1],
  ]);
  const cuts = filled.filter(({ style }) => style === 'surface').flatMap(({ boxes }) => boxes);
  expect(cuts).toHaveLength(3);
});

test('2,048 columns by 32 rows are painted in few strokes of the brush, and every cell is on the cloth', () => {
  const map = mapOf(5, 50_000, 2_048, 32);
  const { context, filled } = recorder();
  paintMatrix(context, scene(map, 1_180));
  // At most: missing twice, givers, cuts; then for each row four tones and its cuts.
  expect(filled.length).toBeLessThan(2 + 10 + 1 + 32 * 5);
  const boxes = filled.flatMap((stroke) => stroke.boxes);
  expect(boxes.length).toBeGreaterThan(32 * 1_000);
  expect(boxes.every(([x = -1, , w = 0]) => x >= 0 && x + w <= 1_181)).toBe(true);
});
