import { bytesOf, Reader } from './bytes';

/** That a block is decided: precommits for it of one round. */
export interface Certificate {
  height: bigint;
  round: number;
  block: string;
  /** By strictly ascending address. */
  signatures: { address: string; signature: Uint8Array }[];
}

const VERSION = 1;
const COMMIT = 5;
const MOST_VALIDATORS = 100;

/** Reads a certificate as validators encode it. Throws if it is none. */
export function readCertificate(hex: string): Certificate {
  const bytes = bytesOf(hex);
  if (!bytes) throw new RangeError('no bytes of a certificate');
  const reader = new Reader(bytes);
  if (reader.number(1) !== BigInt(VERSION) || reader.number(1) !== BigInt(COMMIT)) {
    throw new RangeError('no certificate of a block');
  }
  const height = reader.number(8);
  const round = Number(reader.number(4));
  const block = reader.hex(32);
  const count = Number(reader.number(4));
  if (count > MOST_VALIDATORS) throw new RangeError('more signatures than there can be validators');
  const signatures = Array.from({ length: count }, () => ({ address: reader.hex(20), signature: reader.take(64) }));
  reader.end();
  for (const [at, { address }] of signatures.entries()) {
    // Of one length and in lower case, so that they are ordered as their bytes are.
    if (at > 0 && address <= (signatures[at - 1]?.address ?? '')) throw new RangeError('signatures out of order');
  }
  return { height, round, block, signatures };
}
