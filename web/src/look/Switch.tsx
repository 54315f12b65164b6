import type { ReactNode } from 'react';
import { Switch as Base } from 'react-aria-components/Switch';
import { cx } from './cx';
import styles from './Switch.module.css';

export interface SwitchProps {
  /** What is switched. Seen unless `hideLabel`. */
  label: ReactNode;
  hideLabel?: boolean;
  isSelected: boolean;
  onChange: (on: boolean) => void;
  isDisabled?: boolean;
  className?: string | undefined;
}

/** On or off, at once. */
export function Switch({ label, hideLabel, className, isDisabled = false, ...props }: SwitchProps) {
  return (
    <Base {...props} isDisabled={isDisabled} className={cx(styles.switch, className)}>
      <span className={styles.track} aria-hidden="true" />
      <span className={hideLabel ? 'unseen' : styles.label}>{label}</span>
    </Base>
  );
}
