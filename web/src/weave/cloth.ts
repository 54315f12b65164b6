import { UNDYED } from './thread';

/** A torrent's pieces by column, as the API's map says them. */
export interface WeaveMap {
  pieces: number;
  columns: number;
  pieces_done: number;
  givers: { peer: string; pieces: number }[];
  giver: number[];
  have: number[];
  reading: number[];
  availability: number[];
  rows: WeaveMapRow[];
}

/** One connected peer of the map. */
export interface WeaveMapRow {
  peer: string;
  seed: boolean;
  have?: number[] | null | undefined;
  reading: number[];
}

/** The same, ready to be drawn: every column knows its pieces, whichever way it was gathered. */
export interface Cloth {
  pieces: number;
  columns: number;
  /** The first piece of each column, and `pieces` at the end. */
  starts: number[];
  /** Who gave most of the column's pieces that are here; `null` where none is. */
  giver: (string | null)[];
  /** Percent of the column's pieces that are here. */
  have: number[];
  reading: boolean[];
  /** Connected peers that have the column's rarest piece. */
  availability: number[];
  givers: { peer: string; pieces: number }[];
  rows: ClothRow[];
}

/** What one peer has of it. */
export interface ClothRow {
  peer: string;
  seed: boolean;
  /** Percent of each column's pieces. */
  have: number[];
  reading: boolean[];
}

/** The first piece of a column when `pieces` are gathered into `columns`. */
export function firstPiece(column: number, pieces: number, columns: number): number {
  return Math.floor((column * pieces) / columns);
}

/** The column a piece is gathered into. */
export function columnOf(piece: number, pieces: number, columns: number): number {
  return Math.floor(((piece + 1) * columns - 1) / pieces);
}

/** Reads the API's map. Lists that are too short for their columns count as nothing there. */
export function clothOf(map: WeaveMap): Cloth {
  const { columns, pieces } = map;
  const flags = (set: number[]): boolean[] => {
    const marks = Array<boolean>(columns).fill(false);
    for (const column of set) if (column >= 0 && column < columns) marks[column] = true;
    return marks;
  };
  const filled = (list: number[]): number[] => Array.from({ length: columns }, (_, c) => list[c] ?? 0);
  return {
    pieces,
    columns,
    starts: Array.from({ length: columns + 1 }, (_, c) => firstPiece(c, pieces, columns)),
    giver: Array.from({ length: columns }, (_, c) => {
      const index = map.giver[c] ?? -1;
      return index < 0 ? null : (map.givers[index]?.peer ?? UNDYED);
    }),
    have: filled(map.have),
    reading: flags(map.reading),
    availability: filled(map.availability),
    givers: map.givers,
    rows: map.rows.map((row) => ({
      peer: row.peer,
      seed: row.seed,
      have: row.have == null ? Array<number>(columns).fill(100) : filled(row.have),
      reading: flags(row.reading),
    })),
  };
}

/** The cloth in at most `columns` columns: neighbours are gathered, nothing is lost but where exactly it was. */
export function gather(cloth: Cloth, columns: number): Cloth {
  const target = Math.max(1, Math.min(Math.floor(columns), cloth.columns));
  if (target === cloth.columns) return cloth;
  const edges = Array.from({ length: target + 1 }, (_, c) => firstPiece(c, cloth.columns, target));
  const each = <T>(read: (from: number, to: number) => T): T[] =>
    Array.from({ length: target }, (_, c) => read(edges[c] ?? 0, edges[c + 1] ?? cloth.columns));
  const share = (values: number[]) => each((from, to) => weighted(cloth, values, from, to));
  const any = (flags: boolean[]) => each((from, to) => flags.slice(from, to).some(Boolean));
  return {
    ...cloth,
    columns: target,
    starts: edges.map((edge) => cloth.starts[edge] ?? cloth.pieces),
    giver: each((from, to) => mostGiving(cloth, from, to)),
    have: share(cloth.have),
    reading: any(cloth.reading),
    availability: each((from, to) => Math.min(...cloth.availability.slice(from, to))),
    rows: cloth.rows.map((row) => ({ ...row, have: share(row.have), reading: any(row.reading) })),
  };
}

/** Pieces in a column. */
export function width(cloth: Cloth, column: number): number {
  return (cloth.starts[column + 1] ?? cloth.pieces) - (cloth.starts[column] ?? 0);
}

function weighted(cloth: Cloth, percent: number[], from: number, to: number): number {
  let sum = 0;
  let pieces = 0;
  for (let column = from; column < to; column++) {
    sum += (percent[column] ?? 0) * width(cloth, column);
    pieces += width(cloth, column);
  }
  return pieces === 0 ? 0 : sum / pieces;
}

function mostGiving(cloth: Cloth, from: number, to: number): string | null {
  const given = new Map<string, number>();
  for (let column = from; column < to; column++) {
    const giver = cloth.giver[column] ?? null;
    if (giver === null) continue;
    given.set(giver, (given.get(giver) ?? 0) + (cloth.have[column] ?? 0) * width(cloth, column));
  }
  let most: string | null = null;
  for (const [giver, weight] of given) if (most === null || weight > (given.get(most) ?? 0)) most = giver;
  return most;
}

/** A stretch of columns of which the same is true. */
export interface Run {
  firstColumn: number;
  lastColumn: number;
  firstPiece: number;
  lastPiece: number;
  giver: string | null;
  /** Percent of its pieces that are here. */
  have: number;
  reading: boolean;
  availability: number;
}

/** The columns gathered into stretches with one giver each: what the table twin lists. */
export function runs(cloth: Cloth): Run[] {
  const list: Run[] = [];
  for (let column = 0; column < cloth.columns; column++) {
    const here = columnAt(cloth, column);
    const last = list.at(-1);
    if (last !== undefined && last.giver === here.giver && last.reading === here.reading) {
      const before = last.lastPiece - last.firstPiece + 1;
      const added = width(cloth, column);
      last.have = before + added === 0 ? 0 : (last.have * before + here.have * added) / (before + added);
      last.availability = Math.min(last.availability, here.availability);
      last.lastColumn = column;
      last.lastPiece = here.lastPiece;
    } else {
      list.push(here);
    }
  }
  return list;
}

/** One column as a stretch of its own. */
export function columnAt(cloth: Cloth, column: number): Run {
  const next = cloth.starts[column + 1] ?? cloth.pieces;
  return {
    firstColumn: column,
    lastColumn: column,
    firstPiece: cloth.starts[column] ?? 0,
    lastPiece: next - 1,
    giver: cloth.giver[column] ?? null,
    have: cloth.have[column] ?? 0,
    reading: cloth.reading[column] ?? false,
    availability: cloth.availability[column] ?? 0,
  };
}
