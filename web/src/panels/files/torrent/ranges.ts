import type { FileStatus, TorrentMap } from '../requests';

/** A part of a file: from and to, each 0 to 1. */
export interface Part {
  from: number;
  to: number;
  /** Who gave most of it. */
  giver: string;
  /** How much of it is here, 0 to 1. */
  have: number;
}

/** Where a file begins in the torrent's bytes. */
export function offsetOf(files: readonly FileStatus[], index: number): number {
  let offset = 0;
  for (const file of files) {
    if (file.index >= index) break;
    offset += file.size;
  }
  return offset;
}

type Shown = Pick<TorrentMap, 'pieces' | 'piece_length' | 'columns' | 'giver' | 'givers' | 'have'>;

/** The parts of a file of which something is here: the map's columns, cut to the file's bytes. */
export function hereParts(map: Shown, offset: number, size: number): Part[] {
  const parts: Part[] = [];
  if (size <= 0) return parts;
  for (let column = 0; column < map.columns; column++) {
    const have = (map.have[column] ?? 0) / 100;
    if (have <= 0) continue;
    const start = Math.floor((column * map.pieces) / map.columns) * map.piece_length;
    const end = Math.floor(((column + 1) * map.pieces) / map.columns) * map.piece_length;
    const from = Math.max(0, (start - offset) / size);
    const to = Math.min(1, (end - offset) / size);
    if (to <= from) continue;
    const giver = map.givers[map.giver[column] ?? -1]?.peer ?? '';
    const last = parts.at(-1);
    if (last?.giver === giver && last.have === have && last.to >= from) last.to = to;
    else parts.push({ from, to, giver, have });
  }
  return parts;
}
