import { Button as Base, type ButtonProps as BaseProps } from 'react-aria-components/Button';
import styles from './Button.module.css';
import { cx } from './cx';

export interface ButtonProps extends Omit<BaseProps, 'className' | 'style'> {
  /** `primary` once a view, `plain` by default, `quiet` has no border, `danger` for what cannot be undone. */
  look?: 'primary' | 'plain' | 'quiet' | 'danger';
  small?: boolean;
  className?: string | undefined;
}

/** A button. `onPress` answers mouse, touch and keyboard alike; `isPending` keeps it in place while it works. */
export function Button({ look = 'plain', small = false, className, ...props }: ButtonProps) {
  return <Base {...props} className={cx(styles.button, styles[look], small && styles.small, className)} />;
}
