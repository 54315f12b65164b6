/** A key or hash in the middle shortened: `z6k4…9fq2`. Addresses and what is short already stay whole. */
export function shortKey(key: string): string {
  if (key.length <= 12 || key.includes(':') || key.includes('.')) return key;
  return `${key.slice(0, 4)}…${key.slice(-4)}`;
}
