import { columnAt, width, type Cloth } from './cloth';

/** What is rarest: of the missing pieces while there are some, else of all. */
export interface Rarest {
  /** Whether it is about what is missing here. */
  missing: boolean;
  /** Connected peers that have it. */
  holders: number;
  columns: number[];
  /** The same columns, neighbours joined. */
  stretches: { first: number; last: number }[];
  /** Whether nothing that was looked at is less rare. */
  all: boolean;
}

/** Finds what is rarest. */
export function rarest(cloth: Cloth): Rarest {
  const every = Array.from({ length: cloth.columns }, (_, column) => column);
  const lacking = every.filter((column) => (cloth.have[column] ?? 0) < 100);
  const missing = lacking.length > 0;
  const candidates = missing ? lacking : every;
  const holdersOf = (column: number) => cloth.availability[column] ?? 0;
  const holders = candidates.length === 0 ? 0 : Math.min(...candidates.map(holdersOf));
  const columns = candidates.filter((column) => holdersOf(column) === holders);
  const stretches: Rarest['stretches'] = [];
  for (const column of columns) {
    const { firstPiece, lastPiece } = columnAt(cloth, column);
    const last = stretches.at(-1);
    if (last !== undefined && last.last + 1 === firstPiece) last.last = lastPiece;
    else stretches.push({ first: firstPiece, last: lastPiece });
  }
  return { missing, holders, columns, stretches, all: columns.length === every.length };
}

/** What is held by so and so many peers. */
export interface Holders {
  holders: number;
  pieces: number;
  /** Of these, missing here. */
  missing: number;
}

/** How many pieces lie in columns whose rarest piece has so and so many holders, fewest first. */
export function byHolders(cloth: Cloth): Holders[] {
  const rows = new Map<number, Holders>();
  for (let column = 0; column < cloth.columns; column++) {
    const holders = cloth.availability[column] ?? 0;
    const row = rows.get(holders) ?? { holders, pieces: 0, missing: 0 };
    const pieces = width(cloth, column);
    row.pieces += pieces;
    row.missing += Math.round((pieces * (100 - (cloth.have[column] ?? 0))) / 100);
    rows.set(holders, row);
  }
  return Array.from(rows.values()).sort((a, b) => a.holders - b.holders);
}
