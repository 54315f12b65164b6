import { readSet, type ValidatorSet } from './set';

/** What this browser holds true of a chain: the sets it saw decide, and from which height on. */
export interface Trust {
  genesis: string;
  /** When it began, in Unix milliseconds, and at which height. */
  since_ms: number;
  from: number;
  /** The highest block that was checked, and the set that its header names for the next height. */
  height: number;
  next_set: string;
  /** The sets, the newest last. */
  sets: { bytes: string; from: number }[];
}

/** A set more than these is let go: the oldest. */
const MOST_SETS = 64;

function keyOf(genesis: string): string {
  return `weft.ledger.trust.${genesis.slice(2, 18)}`;
}

function isTrust(value: unknown): value is Trust {
  const trust = value as Partial<Trust> | null;
  return (
    typeof trust === 'object' &&
    trust !== null &&
    typeof trust.genesis === 'string' &&
    typeof trust.from === 'number' &&
    typeof trust.height === 'number' &&
    typeof trust.next_set === 'string' &&
    Array.isArray(trust.sets)
  );
}

/** What is held true of the chain; null at first sight. */
export function trustOf(genesis: string): Trust | null {
  try {
    const kept: unknown = JSON.parse(localStorage.getItem(keyOf(genesis)) ?? 'null');
    return isTrust(kept) && kept.genesis === genesis ? kept : null;
  } catch {
    return null;
  }
}

export function keepTrust(trust: Trust): void {
  const kept: Trust = { ...trust, sets: trust.sets.slice(-MOST_SETS) };
  localStorage.setItem(keyOf(trust.genesis), JSON.stringify(kept));
}

/** Forgets what is held true of the chain: the next check begins anew. */
export function forgetTrust(genesis: string): void {
  localStorage.removeItem(keyOf(genesis));
}

/** The trusted set of that hash. */
export function trustedSet(trust: Trust, hash: string): ValidatorSet | null {
  for (const { bytes } of trust.sets) {
    try {
      const set = readSet(bytes);
      if (set.hash === hash) return set;
    } catch {
      // Kept by another version of this page.
    }
  }
  return null;
}

/** The set that decided a height that was passed already, as far as this browser saw it. */
export function setAt(trust: Trust, height: number): ValidatorSet | null {
  const at = trust.sets.findLast(({ from }) => from <= height) ?? trust.sets[0];
  try {
    return at ? readSet(at.bytes) : null;
  } catch {
    return null;
  }
}
