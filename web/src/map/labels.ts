import type { Place } from './layout';

/** Where a label stands: the anchor of its first line, and to which side it runs. */
export interface Label {
  x: number;
  y: number;
  anchor: 'start' | 'middle' | 'end';
}

export interface Labelled {
  id: string;
  name: string;
  /** In pixels. */
  at: Place;
  /** Relays have theirs below. */
  below: boolean;
}

interface Box {
  left: number;
  top: number;
  right: number;
  bottom: number;
}

/** Inter at 12 px, on average. Names are measured, notes are not: what changes every second must not move a label. */
const CHARACTER = 6.7;
const NOTE = 78;
const HEIGHT = 28;
const GAP = 12;

const overlap = (a: Box, b: Box) => a.left < b.right && b.left < a.right && a.top < b.bottom && b.top < a.bottom;

function boxed(label: Label, width: number): Box {
  const left = label.anchor === 'start' ? label.x : label.anchor === 'end' ? label.x - width : label.x - width / 2;
  return { left, right: left + width, top: label.y - 11, bottom: label.y - 11 + HEIGHT };
}

/**
 * Finds room for labels, in the order given: beside the point, away from the middle if that is free. Who finds none has
 * none; pointing at it tells its name.
 */
export function placeLabels(items: readonly Labelled[], width: number, height: number): Map<string, Label> {
  const labels = new Map<string, Label>();
  const taken: Box[] = items.map(({ at }) => ({ left: at.x - 7, right: at.x + 7, top: at.y - 7, bottom: at.y + 7 }));
  const self: Box = { left: width / 2 - 20, right: width / 2 + 20, top: height / 2 - 18, bottom: height / 2 + 40 };
  taken.push(self);
  for (const { id, name, at, below } of items) {
    const wide = Math.max(name.length * CHARACTER, NOTE);
    const right: Label = { x: at.x + GAP, y: at.y - 1, anchor: 'start' };
    const left: Label = { x: at.x - GAP, y: at.y - 1, anchor: 'end' };
    const under: Label = { x: at.x, y: at.y + 21, anchor: 'middle' };
    const over: Label = { x: at.x, y: at.y - 24, anchor: 'middle' };
    const beside = at.x >= width / 2 - 1 ? [right, left] : [left, right];
    for (const label of below ? [under, over, ...beside] : [...beside, under, over]) {
      const box = boxed(label, wide);
      if (box.left < 0 || box.right > width || box.top < 0 || box.bottom > height) continue;
      if (taken.some((other) => overlap(box, other))) continue;
      taken.push(box);
      labels.set(id, label);
      break;
    }
  }
  return labels;
}
