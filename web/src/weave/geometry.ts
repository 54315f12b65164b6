/** Where the matrix's rows are, in CSS pixels. The labels beside the canvas use the same figures. */
export const YOU_HEIGHT = 20;
export const ROW_HEIGHT = 9;
export const ROW_PITCH = 18;
/** Room above and below for the outline of what is being read. */
export const MARGIN = 3;
const GAP_BELOW_YOU = 7;

/** The place of row `row`: 0 is you, then one a peer. */
export function rowTop(row: number): number {
  if (row === 0) return MARGIN;
  return MARGIN + YOU_HEIGHT + GAP_BELOW_YOU + (row - 1) * ROW_PITCH + (ROW_PITCH - ROW_HEIGHT) / 2;
}

/** The height of the cells of a row. */
export function rowHeight(row: number): number {
  return row === 0 ? YOU_HEIGHT : ROW_HEIGHT;
}

/** The height of the whole matrix with `peers` rows below yours. */
export function matrixHeight(peers: number): number {
  return MARGIN + YOU_HEIGHT + GAP_BELOW_YOU + peers * ROW_PITCH;
}

/** The row that a height belongs to: the whole pitch of a row counts, so that small cells are easy to hit. */
export function rowAt(y: number, peers: number): number {
  const below = y - (MARGIN + YOU_HEIGHT + GAP_BELOW_YOU / 2);
  if (below < 0 || peers === 0) return 0;
  return Math.min(peers, 1 + Math.floor(below / ROW_PITCH));
}

/** The column that a place belongs to. */
export function columnAtX(x: number, width: number, columns: number): number {
  if (width <= 0) return 0;
  return Math.min(columns - 1, Math.max(0, Math.floor((x / width) * columns)));
}

/** A column a cell of 8 pixels: wide enough to see its hue and hit it. */
const CELL = 8;
/** 16 columns even on the narrowest page, 2,048 at most, as the API gives. */
const FEWEST = 16;
const MOST = 2048;

/** How many columns to ask the API for, for a cloth that is `width` pixels wide. */
export function columnsFor(width: number): number {
  return Math.min(MOST, Math.max(FEWEST, Math.floor(width / CELL)));
}

/** The most columns that can be told apart on `width` pixels: three pixels each. */
export function columnsVisible(width: number): number {
  return width <= 0 ? MOST : Math.max(FEWEST, Math.floor(width / 3));
}
