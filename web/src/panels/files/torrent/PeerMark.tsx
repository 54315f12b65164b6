import { Name } from '../../../look/Name';
import { threadOf, usePeerName, useThread } from '../../../threads';
import { Mark } from '../../../weave/Mark';
import styles from './PeerMark.module.css';

/** A peer by its thread and its name. */
export function PeerMark({ id }: { id: string }) {
  const name = usePeerName(id);
  // Drawn again when the threads of this node become known.
  useThread(id);
  return (
    <span className={styles.peer} title={id}>
      <Mark peer={id} threadOf={threadOf} />
      <Name text={name} oneLine />
    </span>
  );
}
