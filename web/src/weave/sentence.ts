import type { TFunction } from 'i18next';
import { percent } from '../figures';
import { columnAt, type Cloth, type Run } from './cloth';
import { UNDYED, type NameOf } from './thread';

/** One cell in words: row 0 is you, then one a peer. */
export function sayCell(t: TFunction, nameOf: NameOf, cloth: Cloth, row: number, column: number): string {
  const run = columnAt(cloth, column);
  const parts = row === 0 ? yours(t, nameOf, run) : theirs(t, nameOf, cloth, run, row - 1);
  return `${sayPieces(t, run)}: ${parts.join('; ')}.`;
}

/** `Piece 7` or `Pieces 120–123`. */
function sayPieces(t: TFunction, { firstPiece: first, lastPiece: last }: Run): string {
  return first >= last ? t('piece', { first }) : t('pieces', { first, last });
}

/** The same within a sentence. */
export function sayPiecesIn(t: TFunction, { first, last }: { first: number; last: number }): string {
  return first >= last ? t('pieceIn', { first }) : t('piecesIn', { first, last });
}

function yours(t: TFunction, nameOf: NameOf, run: Run): string[] {
  const parts = [given(t, nameOf, run)];
  if (run.reading) parts.push(t('readingNow'));
  const one = run.firstPiece >= run.lastPiece;
  const count = run.availability;
  if (count === 0) parts.push(t(one ? 'heldByNone' : 'heldByNoneOf'));
  else parts.push(t(one ? 'heldBy' : 'eachHeldBy', { count }));
  return parts;
}

function given(t: TFunction, nameOf: NameOf, run: Run): string {
  if (run.giver === null || run.have <= 0) return t('missing');
  const whole = run.have >= 100;
  const part = percent(run.have / 100);
  if (run.giver === UNDYED) return whole ? t('already') : t('ownPart', { percent: part });
  const name = nameOf(run.giver);
  return whole ? t('givenBy', { name }) : t('givenPart', { name, percent: part });
}

function theirs(t: TFunction, nameOf: NameOf, cloth: Cloth, run: Run, index: number): string[] {
  const row = cloth.rows[index];
  if (row === undefined) return [];
  const column = run.firstColumn;
  const one = run.firstPiece >= run.lastPiece;
  const name = nameOf(row.peer);
  const have = row.have[column] ?? 0;
  const parts: string[] = [];
  if (have >= 100) parts.push(t(one ? 'peerHas' : 'peerHasAll', { name }));
  else if (have <= 0) parts.push(t(one ? 'peerHasNone' : 'peerHasNoneOf', { name }));
  else parts.push(t('peerHasPart', { name, percent: percent(have / 100) }));
  if (run.giver === row.peer) parts.push(t(one ? 'peerGave' : 'peerGaveMost'));
  if (row.reading[column] === true) parts.push(t('peerAsked'));
  return parts;
}
