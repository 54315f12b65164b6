import { cx } from './cx';
import styles from './Meter.module.css';

export interface MeterProps {
  /** What is measured: read, not seen. */
  label: string;
  /** 0 to 1. */
  value: number;
  /** The same in words or figures, for those who cannot see the bar. */
  text: string;
  tone?: 'accent' | 'ok' | 'warn' | 'bad';
  /** A colour of its own instead: a thread's. */
  colour?: string;
  className?: string | undefined;
}

/** A share of a whole as a thin bar. */
export function Meter({ label, value, text, tone = 'accent', colour, className }: MeterProps) {
  const share = Math.min(1, Math.max(0, Number.isFinite(value) ? value : 0));
  return (
    <span
      role="meter"
      aria-label={label}
      aria-valuemin={0}
      aria-valuemax={100}
      aria-valuenow={Math.round(share * 100)}
      aria-valuetext={text}
      className={cx(styles.meter, styles[tone], className)}
    >
      <span className={styles.fill} style={{ width: `${share * 100}%`, ...(colour && { background: colour }) }} />
    </span>
  );
}
