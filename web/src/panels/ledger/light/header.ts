import { keccak_256 } from '@noble/hashes/sha3';
import { bytesOf, hexOf } from './bytes';

/** What the check uses of a header, read from the very bytes whose hash is taken. */
export interface Header {
  hash: string;
  parent: string;
  proposer: string;
  state_root: string;
  height: bigint;
  gas_limit: bigint;
  gas_used: bigint;
  timestamp: bigint;
  /** The hash of the set that decides the next height. */
  next_set: string;
  base_fee: bigint;
}

/** Ethereum's header up to Prague. */
const FIELDS = 21;
/** A header is some 650 bytes. */
const LONGEST = 4_096;

/** The items of an RLP list of strings. Each value has one encoding only; any other is refused. */
export function rlpStrings(bytes: Uint8Array): Uint8Array[] {
  const first = bytes[0] ?? 0;
  if (first < 0xf8) throw new RangeError('no list as long as a header');
  const body = lengthAt(bytes, 0, first - 0xf7);
  if (body.end !== bytes.length) throw new RangeError('the list is not as long as it says');
  const items: Uint8Array[] = [];
  for (let at = body.begin; at < bytes.length;) {
    const kind = bytes[at] ?? 0;
    if (kind >= 0xc0) throw new RangeError('a list within a header');
    const one =
      kind < 0x80
        ? { begin: at, end: at + 1 }
        : kind <= 0xb7
          ? { begin: at + 1, end: at + 1 + kind - 0x80 }
          : lengthAt(bytes, at, kind - 0xb7);
    if (one.end > bytes.length) throw new RangeError('an item reaches beyond the header');
    const item = bytes.slice(one.begin, one.end);
    if (kind === 0x81 && (item[0] ?? 0) < 0x80) throw new RangeError('an item in a longer form than it needs');
    items.push(item);
    at = one.end;
  }
  return items;
}

function lengthAt(bytes: Uint8Array, at: number, size: number): { begin: number; end: number } {
  let length = 0;
  for (let i = 1; i <= size; i++) length = length * 256 + (bytes[at + i] ?? 0);
  if (length < 56 || bytes[at + 1] === 0 || length > LONGEST) throw new RangeError('a length that cannot be');
  return { begin: at + 1 + size, end: at + 1 + size + length };
}

function exact(item: Uint8Array | undefined, length: number): string {
  if (item?.length !== length) throw new RangeError('a field of another length');
  return hexOf(item);
}

function number(item: Uint8Array | undefined): bigint {
  if (!item || item.length > 8 || item[0] === 0) throw new RangeError('a field that is no number');
  return item.reduce((value, byte) => (value << 8n) | BigInt(byte), 0n);
}

/** Reads a header and takes its hash. Throws if it is none. */
export function readHeader(hex: string): Header {
  const bytes = bytesOf(hex);
  if (!bytes || bytes.length > LONGEST) throw new RangeError('no bytes of a header');
  const items = rlpStrings(bytes);
  if (items.length !== FIELDS) throw new RangeError('a header with other fields');
  return {
    hash: hexOf(keccak_256(bytes)),
    parent: exact(items[0], 32),
    proposer: exact(items[2], 20),
    state_root: exact(items[3], 32),
    height: number(items[8]),
    gas_limit: number(items[9]),
    gas_used: number(items[10]),
    timestamp: number(items[11]),
    next_set: exact(items[12], 32),
    base_fee: number(items[15]),
  };
}
