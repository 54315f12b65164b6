/** What somebody looks for: one box for all of it. */
export type Sought = { kind: 'block' | 'hash' | 'account'; text: string };

/** A height, a hash of a block or transaction, or an account. Null if it can be none. */
export function soughtIn(text: string): Sought | null {
  const clean = text.trim().replaceAll(/[\s.,'\u2009\u202f\u00a0](?=\d{3})/g, '');
  if (/^\d{1,15}$/.test(clean)) return { kind: 'block', text: String(Number(clean)) };
  if (/^(?:0x)?[0-9a-f]{64}$/i.test(clean)) return { kind: 'hash', text: prefixed(clean) };
  if (/^(?:0x)?[0-9a-f]{40}$/i.test(clean)) return { kind: 'account', text: prefixed(clean) };
  return null;
}

function prefixed(hex: string): string {
  return /^0x/i.test(hex) ? `0x${hex.slice(2)}` : `0x${hex}`;
}

export function isAddress(text: string): boolean {
  return /^0x[0-9a-f]{40}$/i.test(text);
}

/** Contracts that every chain of ours begins with. */
export const FIRST_CONTRACTS: Readonly<Record<string, string>> = {
  '0x0000000000000000000000000000000000001001': 'staking',
  '0x0000000000000000000000000000000000001002': 'names',
  '0x0000000000000000000000000000000000001003': 'anchors',
  '0x0000000000000000000000000000000000001004': 'tokens',
};
