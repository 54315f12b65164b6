import { Label } from 'react-aria-components/Label';
import { Slider as Base, SliderOutput, SliderThumb, SliderTrack } from 'react-aria-components/Slider';
import { cx } from './cx';
import styles from './Slider.module.css';

export interface SliderProps {
  label: string;
  value: number;
  onChange: (value: number) => void;
  /** When the thumb is let go. */
  onChangeEnd?: (value: number) => void;
  min: number;
  max: number;
  step?: number;
  /** Says the value in words: seen at the right, read with the thumb. */
  say?: (value: number) => string;
  isDisabled?: boolean;
  className?: string | undefined;
}

/** One value of a range. */
export function Slider({
  label,
  value,
  onChange,
  onChangeEnd,
  min,
  max,
  step = 1,
  say,
  isDisabled = false,
  className,
}: SliderProps) {
  return (
    <Base
      value={value}
      onChange={(next) => onChange(Number(next))}
      {...(onChangeEnd && { onChangeEnd: (next) => onChangeEnd(Number(next)) })}
      minValue={min}
      maxValue={max}
      step={step}
      isDisabled={isDisabled}
      className={cx(styles.slider, className)}
    >
      <Label className={cx(styles.label)}>{label}</Label>
      <SliderOutput className={cx(styles.output)}>{say ? say(value) : value}</SliderOutput>
      <SliderTrack className={cx(styles.track)}>
        {({ state }) => (
          <>
            <span className={styles.fill} style={{ width: `${state.getThumbPercent(0) * 100}%` }} />
            <SliderThumb className={cx(styles.thumb)} {...(say && { 'aria-valuetext': say(value) })} />
          </>
        )}
      </SliderTrack>
    </Base>
  );
}
