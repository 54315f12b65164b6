import type { ReactNode } from 'react';
import { Button } from 'react-aria-components/Button';
import { Label } from 'react-aria-components/Label';
import { ListBox, ListBoxItem } from 'react-aria-components/ListBox';
import { Popover } from 'react-aria-components/Popover';
import { Select as Base, SelectValue } from 'react-aria-components/Select';
import { Text } from 'react-aria-components/Text';
import { cx } from './cx';
import field from './Field.module.css';
import pop from './Popover.module.css';
import styles from './Select.module.css';

export interface SelectProps<T extends string> {
  label: string;
  hideLabel?: boolean;
  value: T | null;
  options: readonly { value: T; label: string }[];
  onChange: (value: T) => void;
  hint?: ReactNode;
  small?: boolean;
  isDisabled?: boolean;
  className?: string | undefined;
}

/** One of a few, behind a button. */
export function Select<T extends string>({
  label,
  hideLabel,
  value,
  options,
  onChange,
  hint,
  small,
  isDisabled = false,
  className,
}: SelectProps<T>) {
  return (
    <Base
      selectedKey={value}
      onSelectionChange={(key) => {
        const chosen = options.find((option) => option.value === key);
        if (chosen) onChange(chosen.value);
      }}
      isDisabled={isDisabled}
      className={cx(field.field, className)}
    >
      <Label className={hideLabel ? 'unseen' : cx(field.label)}>{label}</Label>
      <Button className={cx(styles.button, small && styles.small)}>
        <SelectValue className={cx(styles.value)} />
        <span aria-hidden="true" className={styles.arrow} />
      </Button>
      {hint != null && (
        <Text slot="description" className={cx(field.hint)}>
          {hint}
        </Text>
      )}
      <Popover className={cx(pop.popover)} offset={4}>
        <ListBox className={cx(pop.list)} items={options.map((option) => ({ id: option.value, label: option.label }))}>
          {(option) => (
            <ListBoxItem id={option.id} textValue={option.label} className={cx(pop.item)}>
              {option.label}
            </ListBoxItem>
          )}
        </ListBox>
      </Popover>
    </Base>
  );
}
