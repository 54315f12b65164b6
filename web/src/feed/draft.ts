import type { FeedState } from './types';

/** What may be written to, once it is owned. */
export type Writable<T> =
  T extends ReadonlyMap<infer K, infer V>
    ? Map<K, V>
    : T extends readonly (infer V)[]
      ? V[]
      : { -readonly [K in keyof T]: T[K] };

/**
 * One batch of changes to a state. What a batch touches is copied once, however many records touch it; what it does not
 * touch stays the same object, so that selectors see nothing new there.
 */
export class Draft {
  readonly state: FeedState;
  readonly #owned = new Set<object>();

  constructor(base: FeedState) {
    this.state = { ...base };
  }

  /** `value` itself if this batch made it, else a copy that this batch may write to. */
  own<T extends object>(value: T): Writable<T> {
    if (this.#owned.has(value)) return value as Writable<T>;
    const copy: object = value instanceof Map ? new Map(value) : Array.isArray(value) ? value.slice() : { ...value };
    this.#owned.add(copy);
    return copy as Writable<T>;
  }

  /** A part of the state for writing. */
  part<K extends 'node' | 'files' | 'network' | 'people' | 'ledger' | 'other'>(name: K): Writable<FeedState[K]> {
    const part = this.own(this.state[name]);
    this.state[name] = part as FeedState[K];
    return part;
  }

  /** Puts `patch` into the object at `key` of `holder`; copies nothing if it says nothing new. */
  patch<H extends object, K extends keyof H>(holder: H, key: K, patch: Partial<NonNullable<H[K]>>): void {
    const value = holder[key];
    if (value === null || value === undefined || !differs(value, patch)) return;
    holder[key] = Object.assign(this.own(value as object), patch) as H[K];
  }
}

/** Whether `patch` says anything that `value` does not. */
export function differs<T extends object>(value: T, patch: Partial<T>): boolean {
  for (const key in patch) {
    if (!same(value[key], patch[key])) return true;
  }
  return false;
}

/** Small values by content: a weave, a list of addresses, a trouble. */
function same(a: unknown, b: unknown): boolean {
  if (Object.is(a, b)) return true;
  if (typeof a !== 'object' || typeof b !== 'object' || a === null || b === null) return false;
  const [left, right] = [Object.entries(a), Object.entries(b)];
  return left.length === right.length && left.every(([key, value]) => same(value, (b as Record<string, unknown>)[key]));
}
