import { useId, type CSSProperties, type ReactNode } from 'react';
import styles from './Card.module.css';
import { cx } from './cx';

export interface CardProps {
  /** What it shows, in a few words. */
  title: ReactNode;
  /** How to read it: stands quietly at the right. */
  caption?: ReactNode;
  /** One link or button, at the right. */
  action?: ReactNode;
  /** Columns it takes of the grid's twelve. */
  span?: 3 | 4 | 5 | 6 | 7 | 8 | 9 | 12;
  /** Its heading's level. */
  level?: 2 | 3;
  className?: string | undefined;
  children: ReactNode;
}

/** A bordered place for one thing, with its heading. */
export function Card({ title, caption, action, span = 12, level = 2, className, children }: CardProps) {
  const id = useId();
  const Heading = level === 2 ? 'h2' : 'h3';
  return (
    <section aria-labelledby={id} className={cx(styles.card, className)} style={{ '--span': span } as CSSProperties}>
      <div className={styles.top}>
        <Heading id={id} className={styles.title}>
          {title}
        </Heading>
        {(caption ?? action) != null && (
          <div className={styles.side}>
            {caption != null && <small className={styles.caption}>{caption}</small>}
            {action}
          </div>
        )}
      </div>
      {children}
    </section>
  );
}
