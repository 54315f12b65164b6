/** A strip of one character a column, as the feed carries it: `.` is missing, else the place in `givers`. */
export interface Weave {
  givers: string[];
  cells: string;
}

const DIGITS = '0123456789abcdefghijklmnopqrstuvwxyzABCDEFGHIJKLMNOPQRSTUVWXYZ';

/** The giver of each column, `null` where it is missing. A character that says nothing known counts as missing. */
export function giversOf(weave: Weave): (string | null)[] {
  return Array.from(weave.cells, (cell) => {
    const index = DIGITS.indexOf(cell);
    return index < 0 ? null : (weave.givers[index] ?? null);
  });
}

/** The columns of `now` that were missing `before`: those that were woven meanwhile. */
export function woven(before: (string | null)[], now: (string | null)[]): number[] {
  // A strip of another length shows other columns: nothing in it can be compared.
  if (before.length !== now.length) return [];
  return now.flatMap((giver, column) => (giver !== null && before[column] === null ? [column] : []));
}
