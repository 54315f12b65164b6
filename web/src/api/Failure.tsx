import { shownName } from '../look/Name';
import styles from './Failure.module.css';
import { problemOf } from './problem';

/** A problem's words may hold names that strangers chose; they are sentences, so more of them is shown than of a name. */
const MOST = 600;

/** The node's errors are written for the end of a line; on a page they are sentences. */
function sentence(text: string): string {
  const shown = shownName(text, MOST);
  if (shown === '') return '';
  const begun = shown.charAt(0).toUpperCase() + shown.slice(1);
  return /[.!?…]$/.test(begun) ? begun : `${begun}.`;
}

/** What went wrong and what mends it, where it went wrong. Nothing, if nothing did. */
export function Failure({ of: thrown }: { of: unknown }) {
  if (thrown === null || thrown === undefined) return null;
  const { error, mend } = problemOf(thrown);
  return (
    <p role="alert" className={styles.failure}>
      <bdi>{sentence(error)}</bdi>
      {mend && <bdi className={styles.mend}> {sentence(mend)}</bdi>}
    </p>
  );
}
