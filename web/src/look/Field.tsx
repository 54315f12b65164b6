import type { HTMLInputTypeAttribute, ReactNode } from 'react';
import { FieldError } from 'react-aria-components/FieldError';
import { Input } from 'react-aria-components/Input';
import { Label } from 'react-aria-components/Label';
import { Text } from 'react-aria-components/Text';
import { TextArea } from 'react-aria-components/TextArea';
import { TextField } from 'react-aria-components/TextField';
import { cx } from './cx';
import styles from './Field.module.css';

export interface FieldProps {
  label: string;
  /** The label is for screen readers alone: only where the place makes it plain. */
  hideLabel?: boolean;
  value: string;
  onChange: (value: string) => void;
  /** What to know before typing. */
  hint?: ReactNode;
  /** What is wrong and how to mend it; the field counts as invalid while it is there. */
  error?: ReactNode;
  type?: HTMLInputTypeAttribute;
  /** Lines to show; more than one makes it a text area. */
  lines?: number;
  mono?: boolean;
  placeholder?: string;
  autoFocus?: boolean;
  autoComplete?: string;
  isRequired?: boolean;
  isDisabled?: boolean;
  isReadOnly?: boolean;
  maxLength?: number;
  name?: string;
  onBlur?: () => void;
  onKeyDown?: (key: string) => void;
  className?: string | undefined;
}

/** A labelled line (or area) of text. */
export function Field({
  label,
  hideLabel,
  hint,
  error,
  lines = 1,
  mono,
  placeholder,
  className,
  onKeyDown,
  onBlur,
  ...field
}: FieldProps) {
  const look = cx(styles.input, mono && 'mono');
  return (
    <TextField
      {...field}
      {...(onBlur && { onBlur: () => onBlur() })}
      {...(onKeyDown && { onKeyDown: (event) => onKeyDown(event.key) })}
      isInvalid={error != null && error !== ''}
      className={cx(styles.field, className)}
    >
      <Label className={hideLabel ? 'unseen' : cx(styles.label)}>{label}</Label>
      {lines > 1 ? (
        <TextArea rows={lines} className={look} placeholder={placeholder} spellCheck={false} />
      ) : (
        <Input className={look} placeholder={placeholder} spellCheck={false} />
      )}
      {hint != null && (
        <Text slot="description" className={cx(styles.hint)}>
          {hint}
        </Text>
      )}
      <FieldError className={cx(styles.error)}>{error}</FieldError>
    </TextField>
  );
}
