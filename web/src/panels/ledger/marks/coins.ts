import { language } from '../../../figures/language';

const DECIMALS = 18;
const ONE = 10n ** BigInt(DECIMALS);
/** Six digits behind the point are read; all of them are in the title. */
const SHOWN = 6;

function bigOf(wei: string | bigint): bigint {
  if (typeof wei === 'bigint') return wei;
  return /^\d{1,78}$/.test(wei) ? BigInt(wei) : 0n;
}

function grouped(value: bigint): string {
  return new Intl.NumberFormat(language()).format(value);
}

/** Whether an amount is too little to be read in coins. */
export function isDust(wei: string | bigint): boolean {
  const value = bigOf(wei);
  return value > 0n && value < ONE / 10n ** BigInt(SHOWN);
}

/** Whether an amount is less than one coin. */
export function isBelowCoin(wei: string | bigint): boolean {
  return bigOf(wei) < ONE;
}

/** An amount in coins, cut after six digits: `1,234.5`. */
export function coins(wei: string | bigint, digits = SHOWN): string {
  const value = bigOf(wei);
  const rest = (value % ONE).toString().padStart(DECIMALS, '0').slice(0, digits).replace(/0+$/, '');
  const point = new Intl.NumberFormat(language()).format(1.5).charAt(1);
  return rest === '' ? grouped(value / ONE) : `${grouped(value / ONE)}${point}${rest}`;
}

/** An amount in wei, with its thousands apart. */
export function weis(wei: string | bigint): string {
  return grouped(bigOf(wei));
}

/** What somebody typed, in wei: `1.5`, `1,5`, `0.000001`. Null if it is no amount. */
export function parseCoins(text: string): bigint | null {
  const found = /^(\d{1,30})(?:[.,](\d{1,18}))?$/.exec(text.trim());
  if (!found) return null;
  return BigInt(found[1] ?? '0') * ONE + BigInt((found[2] ?? '').padEnd(DECIMALS, '0'));
}
