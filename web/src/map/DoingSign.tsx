import styles from './HubGraph.module.css';
import type { Doing } from './hub';

/** The sign of what a service does, for legends and lists. */
export function DoingSign({ doing, colour = 'var(--ink2)' }: { doing: Doing; colour?: string }) {
  return (
    <svg width="14" height="14" viewBox="-10 -10 20 20" aria-hidden="true" className={styles.sign}>
      <DoingMark doing={doing} colour={colour} />
    </svg>
  );
}

/** The sign itself, around the origin: filled when it works, a ring at rest, a diamond in trouble, broken when off. */
export function DoingMark({ doing, colour }: { doing: Doing; colour: string }) {
  switch (doing) {
    case 'busy':
      return <circle r="9" fill={colour} className={styles.busy} />;
    case 'idle':
      return <circle r="8" stroke={colour} className={styles.idle} />;
    case 'degraded':
      return <rect x="-7" y="-7" width="14" height="14" transform="rotate(45)" className={styles.degraded} />;
    case 'off':
      return <circle r="7" className={styles.off} />;
  }
}
