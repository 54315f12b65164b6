import type { ReactNode } from 'react';
import { Button } from 'react-aria-components/Button';
import { Group } from 'react-aria-components/Group';
import { Input } from 'react-aria-components/Input';
import { Label } from 'react-aria-components/Label';
import { NumberField as Base } from 'react-aria-components/NumberField';
import { Text } from 'react-aria-components/Text';
import { cx } from './cx';
import field from './Field.module.css';
import styles from './NumberField.module.css';

export interface NumberFieldProps {
  label: string;
  hideLabel?: boolean;
  /** `null` while nothing stands in it. */
  value: number | null;
  onChange: (value: number | null) => void;
  min?: number;
  max?: number;
  step?: number;
  /** Stands after the figure. */
  unit?: string;
  hint?: ReactNode;
  isDisabled?: boolean;
  className?: string | undefined;
}

/** A number, typed or stepped. */
export function NumberField({
  label,
  hideLabel,
  value,
  onChange,
  min,
  max,
  step,
  unit,
  hint,
  isDisabled,
  className,
}: NumberFieldProps) {
  return (
    <Base
      value={value ?? NaN}
      onChange={(next) => onChange(Number.isNaN(next) ? null : next)}
      {...(min !== undefined && { minValue: min })}
      {...(max !== undefined && { maxValue: max })}
      {...(step !== undefined && { step })}
      {...(isDisabled !== undefined && { isDisabled })}
      className={cx(field.field, className)}
    >
      <Label className={hideLabel ? 'unseen' : cx(field.label)}>{label}</Label>
      <Group className={cx(styles.group)}>
        <Input className={cx(styles.input)} />
        {unit && <span className={styles.unit}>{unit}</span>}
        <Button slot="decrement" className={cx(styles.step)}>
          −
        </Button>
        <Button slot="increment" className={cx(styles.step)}>
          +
        </Button>
      </Group>
      {hint != null && (
        <Text slot="description" className={cx(field.hint)}>
          {hint}
        </Text>
      )}
    </Base>
  );
}
