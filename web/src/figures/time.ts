import { language, number } from './language';

const STEPS: [unit: string, seconds: number][] = [
  ['d', 86_400],
  ['h', 3_600],
  ['min', 60],
  ['s', 1],
];

/** How long: `12 s`, `2 min`, `1 h 5 min`, `3 d 4 h`. Two units where the larger one is hours or days. */
export function duration(seconds: number): string {
  let left = Math.max(0, Math.round(seconds));
  if (left < 60) return `${number(left, 0)} s`;
  // The smaller unit is rounded first, so that 59 min 59 s is an hour and not `60 min`.
  left =
    left < 3_600
      ? Math.round(left / 60) * 60
      : left < 86_400
        ? Math.round(left / 60) * 60
        : Math.round(left / 3_600) * 3_600;
  const index = STEPS.findIndex(([, size]) => left >= size);
  const [unit, size] = STEPS[index] ?? ['s', 1];
  const whole = Math.floor(left / size);
  const first = `${number(whole, 0)} ${unit === 'd' && language().startsWith('de') ? 'T' : unit}`;
  const next = STEPS[index + 1];
  if (!next || unit === 'min') return first;
  const rest = Math.floor((left - whole * size) / next[1]);
  return rest === 0 ? first : `${first} ${rest} ${next[0]}`;
}

/** Milliseconds: `14 ms`, `1.2 s`. */
export function millis(ms: number): string {
  if (ms >= 999.5) return `${number(ms / 1000, 1)} s`;
  return `${number(ms, ms < 9.95 ? 1 : 0)} ms`;
}

const AGO: [unit: Intl.RelativeTimeFormatUnit, seconds: number][] = [
  ['year', 31_557_600],
  ['month', 2_629_800],
  ['day', 86_400],
  ['hour', 3_600],
  ['minute', 60],
];

const relative = new Map<string, Intl.RelativeTimeFormat>();

/** How long ago a moment was (Unix milliseconds): `2 hr. ago`, `now`. A moment to come: `in 2 hr.` */
export function ago(at_ms: number, now_ms: number = Date.now()): string {
  const lang = language();
  let format = relative.get(lang);
  if (!format) {
    format = new Intl.RelativeTimeFormat(lang, { numeric: 'auto', style: 'short' });
    relative.set(lang, format);
  }
  const seconds = (at_ms - now_ms) / 1000;
  const [unit, size] = AGO.find(([, size]) => Math.abs(seconds) >= size) ?? ['second', 1];
  // Under a minute it is now: seconds would change at every look.
  if (unit === 'second') return format.format(0, 'second');
  return format.format(Math.trunc(seconds / size), unit);
}

const clocks = new Map<string, Intl.DateTimeFormat>();

function clock(name: string, options: Intl.DateTimeFormatOptions): Intl.DateTimeFormat {
  const key = `${language()} ${name}`;
  let format = clocks.get(key);
  if (!format) {
    format = new Intl.DateTimeFormat(language(), options);
    clocks.set(key, format);
  }
  return format;
}

/** The time of day: `14:03:09`. */
export function timeOfDay(at_ms: number): string {
  return clock('time', { hour: '2-digit', minute: '2-digit', second: '2-digit', hourCycle: 'h23' }).format(at_ms);
}

/** Day and time: `21 Nov, 14:03`. */
export function moment(at_ms: number): string {
  const options: Intl.DateTimeFormatOptions = {
    day: 'numeric',
    month: 'short',
    hour: '2-digit',
    minute: '2-digit',
    hourCycle: 'h23',
  };
  return clock('moment', options).format(at_ms);
}
