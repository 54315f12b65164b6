import type { ReactNode } from 'react';
import { cx } from './cx';
import styles from './Banner.module.css';

export interface BannerProps {
  tone?: 'info' | 'warn' | 'bad';
  title: ReactNode;
  /** What it means and what to do. */
  children?: ReactNode;
  action?: ReactNode;
}

/** Something the reader should know before reading on. Put it into a live region if it comes by itself. */
export function Banner({ tone = 'info', title, children, action }: BannerProps) {
  return (
    <div className={cx(styles.banner, styles[tone])}>
      <div className={styles.words}>
        <strong>{title}</strong>
        {children != null && <div className={styles.text}>{children}</div>}
      </div>
      {action}
    </div>
  );
}
