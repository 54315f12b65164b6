import { describe, expect, test } from 'vitest';
import { clothOf, columnOf, firstPiece, gather, runs, width, type Cloth } from './cloth';
import { mapOf } from './mapOf';
import { UNDYED } from './thread';

/** Pieces that are here, as the columns' percents say. */
function here(cloth: Cloth): number {
  return cloth.have.reduce((sum, have, column) => sum + (have * width(cloth, column)) / 100, 0);
}

const sizes: [pieces: number, columns: number][] = [
  [1, 1],
  [7, 3],
  [64, 64],
  [1_000, 147],
  [2_049, 2_048],
  [100_000, 2_048],
];

describe('columns', () => {
  test('every piece is in exactly the column that says so', () => {
    for (const [pieces, columns] of sizes) {
      let next = 0;
      for (let column = 0; column < columns; column++) {
        expect(firstPiece(column, pieces, columns)).toBe(next);
        next = firstPiece(column + 1, pieces, columns);
        expect(next).toBeGreaterThan(firstPiece(column, pieces, columns));
        expect(columnOf(firstPiece(column, pieces, columns), pieces, columns)).toBe(column);
        expect(columnOf(next - 1, pieces, columns)).toBe(column);
      }
      expect(next).toBe(pieces);
    }
  });

  test('gathered columns hold the same pieces, in the same order', () => {
    for (const [seed, [pieces, columns]] of sizes.entries()) {
      const whole = clothOf(mapOf(seed, pieces, columns, 12));
      for (const target of [1, 2, 5, Math.ceil(columns / 3), columns - 1, columns, columns + 9]) {
        const cloth = gather(whole, target);
        expect(cloth.columns).toBe(Math.max(1, Math.min(target, columns)));
        expect(cloth.starts).toHaveLength(cloth.columns + 1);
        expect(cloth.starts[0]).toBe(0);
        expect(cloth.starts.at(-1)).toBe(pieces);
        for (let column = 0; column < cloth.columns; column++) expect(width(cloth, column)).toBeGreaterThan(0);
        expect(here(cloth)).toBeCloseTo(here(whole), 6);
        expect(Math.min(...cloth.availability)).toBe(Math.min(...whole.availability));
        expect(cloth.reading.some(Boolean)).toBe(whole.reading.some(Boolean));
        for (const [index, row] of cloth.rows.entries()) {
          expect(row.have).toHaveLength(cloth.columns);
          if (row.seed) expect(row.have.every((have) => have === 100)).toBe(true);
          expect(row.reading.some(Boolean)).toBe(whole.rows[index]?.reading.some(Boolean));
        }
      }
    }
  });

  test('a gathered column is given by who gave most of it, and missing only where nothing is here', () => {
    const whole = clothOf(mapOf(31, 5_000, 500, 4));
    const cloth = gather(whole, 90);
    for (let column = 0; column < cloth.columns; column++) {
      const from = whole.starts.indexOf(cloth.starts[column] ?? -1);
      const to = whole.starts.indexOf(cloth.starts[column + 1] ?? -1);
      const weight = new Map<string, number>();
      for (let c = from; c < to; c++) {
        const giver = whole.giver[c];
        if (giver != null) weight.set(giver, (weight.get(giver) ?? 0) + (whole.have[c] ?? 0) * width(whole, c));
      }
      const giver = cloth.giver[column] ?? null;
      if (weight.size === 0) expect(giver).toBeNull();
      else expect(weight.get(giver ?? '')).toBe(Math.max(...weight.values()));
    }
  });

  test('stretches cover all pieces once; neighbours differ', () => {
    for (const seed of [1, 2, 3]) {
      const cloth = clothOf(mapOf(seed, 3_000, 400, 3));
      const list = runs(cloth);
      let next = 0;
      for (const [index, run] of list.entries()) {
        expect(run.firstPiece).toBe(next);
        next = run.lastPiece + 1;
        const before = list[index - 1];
        if (before) expect([before.giver, before.reading]).not.toEqual([run.giver, run.reading]);
        for (let c = run.firstColumn; c <= run.lastColumn; c++) expect(cloth.giver[c]).toBe(run.giver);
      }
      expect(next).toBe(3_000);
      const sum = list.reduce((total, run) => total + (run.have * (run.lastPiece - run.firstPiece + 1)) / 100, 0);
      expect(sum).toBeCloseTo(here(cloth), 6);
    }
  });

  test('a map that says too little is read as nothing there', () => {
    const map = { ...mapOf(1, 10, 10, 1), giver: [99, -1], have: [50], availability: [], reading: [3, 77, -1] };
    const cloth = clothOf(map);
    expect(cloth.giver).toHaveLength(10);
    expect(cloth.giver[0]).toBe(UNDYED);
    expect(cloth.have).toEqual([50, 0, 0, 0, 0, 0, 0, 0, 0, 0]);
    expect(cloth.reading.filter(Boolean)).toHaveLength(1);
    expect(gather(cloth, 3).columns).toBe(3);
  });
});
