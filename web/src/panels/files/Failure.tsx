import type { Problem } from '../../api/problem';
import { shownName } from '../../look/Name';
import styles from './Failure.module.css';

/** A problem's words may hold names that strangers chose; they are sentences, so more of them is shown than of a name. */
const MOST = 600;

/** What went wrong and what mends it, where it went wrong. */
export function Failure({ problem }: { problem: Pick<Problem, 'error' | 'mend'> | null }) {
  if (problem === null) return null;
  return (
    <p role="alert" className={styles.failure}>
      <bdi>{sentence(shownName(problem.error, MOST))}</bdi>
      {problem.mend && <bdi className={styles.mend}> {sentence(shownName(problem.mend, MOST))}</bdi>}
    </p>
  );
}

/** The node's errors are written for the end of a line; on a page they are sentences. */
export function sentence(text: string): string {
  if (text === '') return '';
  const begun = text.charAt(0).toUpperCase() + text.slice(1);
  return /[.!?…]$/.test(begun) ? begun : `${begun}.`;
}
