import type { ReactNode } from 'react';
import { Checkbox as Base } from 'react-aria-components/Checkbox';
import styles from './Checkbox.module.css';
import { cx } from './cx';

export interface CheckboxProps {
  label: ReactNode;
  hideLabel?: boolean;
  isSelected: boolean;
  isIndeterminate?: boolean;
  onChange: (on: boolean) => void;
  isDisabled?: boolean;
  className?: string | undefined;
}

/** Chosen or not, as a part of something that is sent later. */
export function Checkbox({
  label,
  hideLabel,
  className,
  isDisabled = false,
  isIndeterminate = false,
  ...props
}: CheckboxProps) {
  return (
    <Base
      {...props}
      isDisabled={isDisabled}
      isIndeterminate={isIndeterminate}
      className={cx(styles.checkbox, className)}
    >
      <span className={styles.box} aria-hidden="true">
        <svg width="12" height="12" viewBox="0 0 12 12" fill="none" stroke="currentColor" strokeWidth="2">
          <path d={isIndeterminate ? 'M2 6h8' : 'M2 6.5 5 9l5-6'} />
        </svg>
      </span>
      <span className={hideLabel ? 'unseen' : undefined}>{label}</span>
    </Base>
  );
}
