import { cx } from '../../../look/cx';
import styles from './Badge.module.css';
import type { Face } from '../chain/useValidators';

/** A validator's letter on its thread's colour. */
export function Badge({ face, missing = false }: { face: Face; missing?: boolean }) {
  return (
    <i
      aria-hidden="true"
      className={cx(styles.badge, missing && styles.missing)}
      data-pattern={face.thread.pattern}
      style={{ '--dye': face.thread.colour } as React.CSSProperties}
    >
      {face.letter || '·'}
    </i>
  );
}
