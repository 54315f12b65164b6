import type { Cloth, ClothRow } from './cloth';
import { matrixHeight, rowHeight, rowTop } from './geometry';
import { dyeIn, type Palette } from './palette';
import { patternOf, type ThreadOf } from './thread';

/** What a painter needs to know. */
export interface Scene {
  cloth: Cloth;
  width: number;
  /** Device pixels in a CSS pixel. */
  ratio: number;
  palette: Palette;
  threadOf: ThreadOf;
  /** The fill of what is missing. */
  hatch: CanvasPattern | string;
}

/** What a peer has is pale, in three steps for columns it has in part; what it gave is strong. */
const PALE = [0.12, 0.2, 0.28];
const STRONG = 0.95;

interface Box {
  x: number;
  y: number;
  w: number;
  h: number;
}

/** Cells of one look, painted at once: a canvas is quick when it changes its colour seldom. */
class Batches {
  private readonly boxes = new Map<string, { colour: string; alpha: number; boxes: Box[] }>();

  add(colour: string, alpha: number, box: Box): void {
    const key = `${colour} ${String(alpha)}`;
    const batch = this.boxes.get(key);
    if (batch === undefined) this.boxes.set(key, { colour, alpha, boxes: [box] });
    else batch.boxes.push(box);
  }

  paint(context: CanvasRenderingContext2D): void {
    for (const { colour, alpha, boxes } of this.boxes.values()) {
      context.globalAlpha = alpha;
      context.fillStyle = colour;
      fill(context, boxes);
    }
    context.globalAlpha = 1;
  }
}

/** Paints the whole matrix. */
export function paintMatrix(context: CanvasRenderingContext2D, scene: Scene): void {
  context.setTransform(scene.ratio, 0, 0, scene.ratio, 0, 0);
  context.clearRect(0, 0, scene.width, matrixHeight(scene.cloth.rows.length));
  paintYou(context, scene);
  scene.cloth.rows.forEach((row, index) => {
    paintPeer(context, scene, row, index + 1);
  });
  outline(context, scene, scene.cloth.reading, 0);
  scene.cloth.rows.forEach((row, index) => {
    outline(context, scene, row.reading, index + 1);
  });
}

/** Paints your row alone: what a fade needs at every frame. */
export function paintTop(context: CanvasRenderingContext2D, scene: Scene): void {
  context.clearRect(0, 0, scene.width, matrixHeight(0));
  paintYou(context, scene);
  outline(context, scene, scene.cloth.reading, 0);
}

/** Paints cells as they were before they were woven, over what is there: `left` goes from 1 to 0. */
export function paintFresh(context: CanvasRenderingContext2D, scene: Scene, columns: number[], left: number): void {
  context.globalAlpha = left;
  context.fillStyle = scene.palette.surface;
  fill(
    context,
    columns.map((column) => box(scene, column, 0)),
  );
  context.globalAlpha = 1;
}

function paintYou(context: CanvasRenderingContext2D, scene: Scene): void {
  const { cloth, palette, threadOf } = scene;
  const missing: Box[] = [];
  const here = new Batches();
  const cuts: Box[] = [];
  for (let column = 0; column < cloth.columns; column++) {
    const cell = box(scene, column, 0);
    const giver = cloth.giver[column] ?? null;
    const part = giver === null ? 0 : Math.min(100, cloth.have[column] ?? 0) / 100;
    if (part < 1) missing.push(cell);
    if (giver === null || part <= 0) continue;
    // A column that is here in part is woven from below.
    const tall = Math.max(2, cell.h * part);
    const woven = { ...cell, y: cell.y + cell.h - tall, h: tall };
    here.add(dyeIn(palette, giver, threadOf), 1, woven);
    cuts.push(...cut(woven, patternOf(giver, threadOf)));
  }
  context.fillStyle = palette.sunk;
  fill(context, missing);
  context.fillStyle = scene.hatch;
  fill(context, missing);
  here.paint(context);
  context.fillStyle = palette.surface;
  fill(context, cuts);
}

function paintPeer(context: CanvasRenderingContext2D, scene: Scene, row: ClothRow, index: number): void {
  const { cloth, palette, threadOf } = scene;
  const colour = dyeIn(palette, row.peer, threadOf);
  const pattern = patternOf(row.peer, threadOf);
  const cells = new Batches();
  const cuts: Box[] = [];
  for (let column = 0; column < cloth.columns; column++) {
    const have = row.have[column] ?? 0;
    const gave = cloth.giver[column] === row.peer;
    if (have <= 0 && !gave) continue;
    const cell = box(scene, column, index);
    const step = PALE[Math.min(2, Math.floor((have / 100) * 2.999))] ?? STRONG;
    cells.add(colour, gave ? STRONG : step, cell);
    cuts.push(...cut(cell, pattern));
  }
  cells.paint(context);
  context.fillStyle = palette.surface;
  fill(context, cuts);
}

/** What is being read is outlined, in your row and in that of the peer that was asked. */
function outline(context: CanvasRenderingContext2D, scene: Scene, flags: boolean[], row: number): void {
  const out = row === 0 ? 1.25 : 0.5;
  context.strokeStyle = row === 0 ? scene.palette.ink : scene.palette.ink2;
  context.lineWidth = row === 0 ? 1.5 : 1;
  context.beginPath();
  flags.forEach((reading, column) => {
    if (!reading) return;
    const { x, y, w, h } = box(scene, column, row);
    context.rect(x - out, y - out, w + 2 * out, h + 2 * out);
  });
  context.stroke();
}

function box(scene: Scene, column: number, row: number): Box {
  const { cloth, width, ratio } = scene;
  const snap = (x: number) => Math.round(x * ratio) / ratio;
  const from = snap((column * width) / cloth.columns);
  const to = snap(((column + 1) * width) / cloth.columns);
  const gap = to - from >= 5 ? 1 : to - from >= 3 ? 1 / ratio : 0;
  return { x: from, y: rowTop(row), w: Math.max(1 / ratio, to - from - gap), h: rowHeight(row) };
}

/** What a pattern takes out of a cell: 1 a line across, 2 a line along. */
function cut(cell: Box, pattern: 0 | 1 | 2): Box[] {
  const thick = cell.h > 12 ? 2 : 1;
  if (pattern === 1) return [{ ...cell, y: cell.y + (cell.h - thick) / 2, h: thick }];
  if (pattern === 2 && cell.w >= 3) return [{ ...cell, x: cell.x + (cell.w - 1) / 2, w: 1 }];
  return [];
}

function fill(context: CanvasRenderingContext2D, boxes: Box[]): void {
  if (boxes.length === 0) return;
  context.beginPath();
  for (const { x, y, w, h } of boxes) {
    if (w >= 4 && h >= 4) context.roundRect(x, y, w, h, 1.5);
    else context.rect(x, y, w, h);
  }
  context.fill();
}

/** The hatching of what is missing, in the theme's colours. */
export function hatchOf(context: CanvasRenderingContext2D, palette: Palette, ratio: number): CanvasPattern | string {
  const tile = document.createElement('canvas');
  const size = Math.round(6 * ratio);
  tile.width = size;
  tile.height = size;
  const lines = tile.getContext('2d');
  if (lines === null) return palette.line;
  lines.strokeStyle = palette.line;
  lines.lineWidth = 1.5 * ratio;
  lines.beginPath();
  for (const shift of [-size, 0, size]) {
    lines.moveTo(shift - 1, size + 1);
    lines.lineTo(shift + size + 1, -1);
  }
  lines.stroke();
  const pattern = context.createPattern(tile, 'repeat');
  if (pattern === null) return palette.line;
  pattern.setTransform(new DOMMatrix().scale(1 / ratio));
  return pattern;
}
