import { number } from './language';

/** A part of a whole, 0 to 1: `72 %`. All but the whole is never shown as 100 %. */
export function percent(part: number): string {
  const of100 = Math.min(1, Math.max(0, part)) * 100;
  return `${number(part < 1 ? Math.floor(of100) : 100, 0)} %`;
}

/** Given of received: `2.4`. */
export function ratio(value: number): string {
  return value >= 99.95 ? number(value, 0) : number(value, value < 9.995 ? 2 : 1);
}

/** A count: `18,204`. */
export function count(value: number): string {
  return number(value, 0);
}
