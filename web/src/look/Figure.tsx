import { cx } from './cx';
import styles from './Figure.module.css';

export interface FigureProps {
  /** The figure, with its unit unless `unit` is given. */
  value: string;
  unit?: string;
  /** What it counts, below it. */
  label?: string;
  /** 14 in lists, 20 on top of a panel. */
  large?: boolean;
  align?: 'start' | 'end';
  className?: string | undefined;
}

/** A figure with its unit and, below, what it counts. */
export function Figure({ value, unit, label, large = false, align = 'start', className }: FigureProps) {
  return (
    <span className={cx(styles.figure, large && styles.large, align === 'end' && styles.end, className)}>
      <span className={styles.value}>
        {value}
        {unit && <span className={styles.unit}> {unit}</span>}
      </span>
      {label && <span className={styles.label}>{label}</span>}
    </span>
  );
}
