import type { ReactNode } from 'react';
import styles from './Empty.module.css';

/** Says that nothing is here and what to do next; the action is the button or link that does it. */
export function Empty({ title, children, action }: { title: ReactNode; children?: ReactNode; action?: ReactNode }) {
  return (
    <div className={styles.empty}>
      <p className={styles.title}>{title}</p>
      {children != null && <div className={styles.text}>{children}</div>}
      {action}
    </div>
  );
}
