import { number } from './language';

const UNITS = ['B', 'kB', 'MB', 'GB', 'TB', 'PB', 'EB'];

/** Three digits of a value and its unit: `48.2 MB`, `663 MB`, `512 B`. SI units: a kilobyte is 1,000 bytes. */
export function bytes(count: number): string {
  const [value, unit] = bytesParts(count);
  return `${value} ${unit}`;
}

/** The same in two parts, for where the unit stands apart. */
export function bytesParts(count: number): [value: string, unit: string] {
  let value = Math.max(0, Number.isFinite(count) ? count : 0);
  let unit = 0;
  // 999.5 would be written 1,000: it is 1.0 of the next unit.
  while (value >= 999.5 && unit < UNITS.length - 1) {
    value /= 1000;
    unit += 1;
  }
  return [number(value, unit === 0 || value >= 99.95 ? 0 : 1), UNITS[unit] ?? 'B'];
}

/** Bytes a second: `48.2 MB/s`. */
export function rate(bytes_per_s: number): string {
  const [value, unit] = bytesParts(bytes_per_s);
  return `${value} ${unit}/s`;
}
