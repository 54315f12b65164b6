import { dye, patternOf, type ThreadOf } from './thread';
import styles from './Mark.module.css';

/** A small piece of a peer's thread, for legends and names. */
export function Mark({ peer, threadOf }: { peer: string; threadOf: ThreadOf }) {
  return (
    <i
      className={styles.mark}
      style={{ backgroundColor: dye(peer, threadOf) }}
      data-pattern={patternOf(peer, threadOf)}
      aria-hidden="true"
    />
  );
}
