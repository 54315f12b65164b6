import { bigEndian, bytesOf, joined } from './bytes';
import type { Certificate } from './certificate';
import type { ValidatorSet } from './set';

const DOMAIN = new TextEncoder().encode('weft consensus v1\0');
const PRECOMMIT = 3;
const A_BLOCK = 1;

/** The bytes a validator signs when it precommits a block. `genesis` names the chain. */
export function precommitBytes(genesis: string, certificate: Certificate, address: string): Uint8Array<ArrayBuffer> {
  const [chain, account, block] = [bytesOf(genesis), bytesOf(address), bytesOf(certificate.block)];
  if (chain?.length !== 32 || account?.length !== 20 || block?.length !== 32) throw new RangeError('no vote');
  return joined([
    DOMAIN,
    chain,
    new Uint8Array([PRECOMMIT]),
    bigEndian(certificate.height, 8),
    bigEndian(BigInt(certificate.round), 4),
    account,
    new Uint8Array([A_BLOCK]),
    block,
  ]);
}

/** What the signatures of a certificate come to. */
export interface Signed {
  /** Signatures that are right, of how many validators. */
  signatures: number;
  of: number;
  power: bigint;
  total: bigint;
  /** More than two thirds of the power. */
  enough: boolean;
  /** Those whose signature is wrong. */
  wrong: string[];
  /** Those who signed and are not in the set. */
  strangers: string[];
}

async function holds(key: string, signature: Uint8Array, message: Uint8Array<ArrayBuffer>): Promise<boolean> {
  const raw = bytesOf(key);
  if (!raw) return false;
  const imported = await crypto.subtle.importKey('raw', raw, { name: 'Ed25519' }, false, ['verify']);
  return crypto.subtle.verify({ name: 'Ed25519' }, imported, new Uint8Array(signature), message);
}

/** Whether this browser can check Ed25519 signatures at all. */
export async function canVerify(): Promise<boolean> {
  try {
    const made = await crypto.subtle.generateKey({ name: 'Ed25519' }, false, ['sign', 'verify']);
    return 'publicKey' in made;
  } catch {
    return false;
  }
}

/** Checks every signature of a certificate against the set that decides its height. */
export async function verify(genesis: string, certificate: Certificate, set: ValidatorSet): Promise<Signed> {
  const signed: Signed = {
    signatures: 0,
    of: set.members.length,
    power: 0n,
    total: set.total,
    enough: false,
    wrong: [],
    strangers: [],
  };
  for (const { address, signature } of certificate.signatures) {
    const member = set.members.find((one) => one.address === address);
    if (!member) signed.strangers.push(address);
    else if (
      await holds(member.public_key, signature, precommitBytes(genesis, certificate, address)).catch(() => false)
    ) {
      signed.signatures += 1;
      signed.power += member.power;
    } else signed.wrong.push(address);
  }
  signed.enough = signed.power * 3n > set.total * 2n;
  return signed;
}
