import type { ReactNode } from 'react';
import styles from './Grid.module.css';

/** The page's twelve columns; one under 760 px. Its children say how many they take by `Card`'s `span`. */
export function Grid({ children }: { children: ReactNode }) {
  return <div className={styles.grid}>{children}</div>;
}
