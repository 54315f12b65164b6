import type { ReactNode } from 'react';
import { Link } from 'wouter';
import { cx } from './cx';
import styles from './TextLink.module.css';

export interface TextLinkProps {
  /** An address of the dashboard. */
  to: string;
  /** Looks like the words around it until it is pointed at: for names in lists. */
  plain?: boolean;
  className?: string | undefined;
  children: ReactNode;
}

/** A link to another place of the dashboard. */
export function TextLink({ to, plain = false, className, children }: TextLinkProps) {
  return (
    <Link href={to} className={cx(styles.link, plain && styles.plain, className)}>
      {children}
    </Link>
  );
}
