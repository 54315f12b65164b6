import { useId } from 'react';
import styles from './Choice.module.css';

/** One of a few, each with a sentence about it. */
export function Choice<T extends string>({
  label,
  value,
  options,
  onChange,
}: {
  label: string;
  value: T;
  options: readonly { value: T; label: string; text: string }[];
  onChange: (value: T) => void;
}) {
  const name = useId();
  return (
    <fieldset className={styles.choice}>
      <legend className="quiet">{label}</legend>
      {options.map((option) => (
        <label key={option.value} className={styles.option}>
          <input type="radio" name={name} checked={value === option.value} onChange={() => onChange(option.value)} />
          <span>
            <span className={styles.label}>{option.label}</span>
            <span className="quiet">{option.text}</span>
          </span>
        </label>
      ))}
    </fieldset>
  );
}
