import { useSyncExternalStore } from 'react';

/** An item of an ABI, as far as this page looks at it. */
export interface AbiItem {
  type: string;
  name?: string;
}

/** A contract is 24 KiB of code at most: its ABI is hardly longer. */
const LONGEST = 300_000;

const listeners = new Set<() => void>();

function keyOf(address: string): string {
  return `weft.ledger.abi.${address.toLowerCase()}`;
}

function subscribe(listener: () => void): () => void {
  listeners.add(listener);
  return () => listeners.delete(listener);
}

/** Reads an ABI: the list itself, or a compiler's file that has it under `abi`. Null if it is none. */
export function readAbi(text: string): AbiItem[] | null {
  if (text.length > LONGEST * 10) return null;
  try {
    const read: unknown = JSON.parse(text);
    const list = Array.isArray(read) ? (read as unknown[]) : (read as { abi?: unknown } | null)?.abi;
    if (!Array.isArray(list) || list.length === 0 || list.length > 2_000) return null;
    const isItem = (item: unknown): item is AbiItem => typeof (item as AbiItem | null)?.type === 'string';
    return list.every(isItem) ? list : null;
  } catch {
    return null;
  }
}

/** Keeps a contract's ABI in this browser. Whether there was room. */
export function keepAbi(address: string, abi: AbiItem[] | null): boolean {
  try {
    if (abi === null) localStorage.removeItem(keyOf(address));
    else {
      const text = JSON.stringify(abi);
      if (text.length > LONGEST) return false;
      localStorage.setItem(keyOf(address), text);
    }
  } catch {
    return false;
  }
  for (const listener of listeners) listener();
  return true;
}

/** The text of a contract's ABI that this browser keeps. */
export function useAbi(address: string | null | undefined): string | null {
  return useSyncExternalStore(subscribe, () => (address ? localStorage.getItem(keyOf(address)) : null));
}
