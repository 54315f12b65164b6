import { sha256 } from '@noble/hashes/sha2';
import { bigEndian, bytesOf, hexOf, joined, Reader } from './bytes';

/** A validator of a set: account and node's key in lower-case hexadecimal. */
export interface Member {
  address: string;
  public_key: string;
  power: bigint;
}

/** Who decides a height, by ascending address, and the hash that headers name it by. */
export interface ValidatorSet {
  members: readonly Member[];
  total: bigint;
  hash: string;
  /** Its canonical bytes, hexadecimal. */
  bytes: string;
}

const VERSION = 1;
const MOST = 100;

function checked(members: Member[]): ValidatorSet {
  const sorted = members.toSorted((a, b) => (a.address < b.address ? -1 : 1));
  if (sorted.length === 0 || sorted.length > MOST) throw new RangeError('no set of validators');
  const parts = [new Uint8Array([VERSION]), bigEndian(BigInt(sorted.length), 4)];
  let total = 0n;
  for (const [at, { address, public_key, power }] of sorted.entries()) {
    const [account, key] = [bytesOf(address), bytesOf(public_key)];
    if (account?.length !== 20 || key?.length !== 32 || power <= 0n || address === sorted[at - 1]?.address) {
      throw new RangeError('a validator that cannot be');
    }
    total += power;
    parts.push(account, key, bigEndian(power, 8));
  }
  const bytes = joined(parts);
  return { members: sorted, total, hash: hexOf(sha256(bytes)), bytes: hexOf(bytes) };
}

/** The set of validators that the node lists. */
export function setOf(
  validators: readonly { address: string; public_key: string; power: number | string }[],
): ValidatorSet {
  return checked(
    validators.map(({ address, public_key, power }) => ({
      address: address.toLowerCase(),
      public_key: public_key.toLowerCase(),
      power: BigInt(power),
    })),
  );
}

/** Reads a set's canonical bytes. Throws if they are none. */
export function readSet(hex: string): ValidatorSet {
  const bytes = bytesOf(hex);
  if (!bytes) throw new RangeError('no bytes of a set');
  const reader = new Reader(bytes);
  if (reader.number(1) !== BigInt(VERSION)) throw new RangeError('no set of validators');
  const count = Number(reader.number(4));
  if (count > MOST) throw new RangeError('more validators than there can be');
  const members = Array.from({ length: count }, () => ({
    address: reader.hex(20),
    public_key: reader.hex(32),
    power: reader.number(8),
  }));
  reader.end();
  const set = checked(members);
  if (set.bytes !== hex.toLowerCase()) throw new RangeError('validators out of order');
  return set;
}
