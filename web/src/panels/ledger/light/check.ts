import { sameHex } from './bytes';
import { readCertificate, type Certificate } from './certificate';
import { LightError } from './error';
import { readHeader } from './header';
import { readSet, setOf, type ValidatorSet } from './set';
import { canVerify, verify, type Signed } from './signatures';
import { keepTrust, setAt, trustedSet, trustOf, type Trust } from './trust';

/** A block as the node tells of it. */
export interface Told {
  height: number;
  hash: string;
  parent: string;
  timestamp: number;
  proposer: string;
  gas_used: number;
  gas_limit: number;
  base_fee: number;
  state_root: string;
  validators_hash: string;
  certificate: string;
  /** The header's bytes, from nodes that give them. */
  header?: string | null;
  /** The canonical bytes of the set that decided it, from nodes that give them. */
  set?: string | null;
}

/** What the check asks of the node. Nothing of it is believed. */
export interface Source {
  block(height: number): Promise<Told>;
  /** Which set the header at a height names: for the search, what is found is checked. */
  names(height: number): Promise<string>;
  validators(): Promise<{ address: string; public_key: string; power: number }[]>;
}

/** What was found out. */
export interface Checked {
  height: number;
  hash: string;
  /** Whether the fields that are shown are the ones that the hash is of; null where the node gives no header. */
  header: boolean | null;
  /** Whether the header before, that names who decides, was checked by its hash too. */
  named: boolean;
  signed: Signed | null;
  round: number;
  trust: Trust;
  /** It is the first block of this chain that this browser saw: the set is taken as it was told. */
  first: boolean;
  /** Changes of the set that were followed to get here. */
  followed: number;
}

/** Whether what is shown is what the hash is of. Throws where it is not. */
function headerOf(told: Told): boolean {
  if (told.header == null) return false;
  const header = readable(() => readHeader(told.header ?? ''), 'header-unreadable');
  if (!sameHex(header.hash, told.hash)) throw new LightError('header-hash');
  const shown: [string, bigint | string, bigint | string][] = [
    ['height', header.height, BigInt(told.height)],
    ['parent', header.parent, told.parent.toLowerCase()],
    ['timestamp', header.timestamp, BigInt(told.timestamp)],
    ['proposer', header.proposer, told.proposer.toLowerCase()],
    ['gas_used', header.gas_used, BigInt(told.gas_used)],
    ['gas_limit', header.gas_limit, BigInt(told.gas_limit)],
    ['base_fee', header.base_fee, BigInt(told.base_fee)],
    ['state_root', header.state_root, told.state_root.toLowerCase()],
    ['validators_hash', header.next_set, told.validators_hash.toLowerCase()],
  ];
  const other = shown.find(([, is, said]) => is !== said);
  if (other) throw new LightError('header-field', { field: other[0] });
  return true;
}

function readable<T>(read: () => T, why: 'header-unreadable' | 'certificate-unreadable' | 'set-unreadable'): T {
  try {
    return read();
  } catch {
    throw new LightError(why);
  }
}

function certificateOf(told: Told): Certificate {
  const certificate = readable(() => readCertificate(told.certificate), 'certificate-unreadable');
  if (certificate.height !== BigInt(told.height)) throw new LightError('certificate-height');
  if (!sameHex(certificate.block, told.hash)) throw new LightError('certificate-block');
  return certificate;
}

async function signedBy(genesis: string, told: Told, set: ValidatorSet): Promise<Signed & { round: number }> {
  const certificate = certificateOf(told);
  const signed = await verify(genesis, certificate, set);
  if (signed.strangers[0]) throw new LightError('stranger', { who: signed.strangers[0] });
  if (signed.wrong[0]) throw new LightError('signature', { who: signed.wrong[0] });
  if (!signed.enough) throw new LightError('power');
  return { ...signed, round: certificate.round };
}

/** The set that decides a height, from whoever tells of it: right is what has the hash. */
async function findSet(source: Source, told: Told, hash: string): Promise<ValidatorSet> {
  const given = told.set;
  const set = given != null ? readable(() => readSet(given), 'set-unreadable') : setOf(await source.validators());
  if (set.hash !== hash) throw new LightError(given == null ? 'set-unknown' : 'set-wrong');
  return set;
}

/**
 * Follows the sets from the last block that was checked up to the one that decides `to`. Between them it looks for the
 * block that the trusted set decided and that names another one; that block is checked, and its word on the next set taken.
 */
async function follow(source: Source, trust: Trust, to: number, wanted: string): Promise<[Trust, number]> {
  let now = trust;
  let followed = 0;
  while (now.next_set !== wanted) {
    let [low, high] = [now.height, to - 1];
    if (high <= low) throw new LightError('set-unproven');
    while (high - low > 1) {
      const middle = Math.floor((low + high) / 2);
      if ((await source.names(middle)).toLowerCase() === now.next_set) low = middle;
      else high = middle;
    }
    const set = trustedSet(now, now.next_set);
    const told = await source.block(high);
    if (!headerOf(told)) throw new LightError('set-unproven');
    if (!set) throw new LightError('set-unknown');
    await signedBy(now.genesis, told, set);
    const next = told.validators_hash.toLowerCase();
    const named = await findSet(source, await source.block(high + 1), next);
    now = {
      ...now,
      height: high,
      next_set: next,
      sets: [...now.sets, { bytes: named.bytes, from: high + 1 }],
    };
    followed += 1;
  }
  return [now, followed];
}

/** Checks a block. Throws a `LightError` that says what does not hold. */
export async function check(genesis: string, height: number, source: Source): Promise<Checked> {
  if (!(await canVerify())) throw new LightError('no-ed25519');
  const told = await source.block(height);
  const header = headerOf(told);
  const known = trustOf(genesis);
  if (height === 0) {
    if (!sameHex(told.hash, genesis)) throw new LightError('genesis');
    const next_set = told.validators_hash.toLowerCase();
    const trust = known ?? { genesis, since_ms: Date.now(), from: 0, height: 0, next_set, sets: [] };
    return {
      height,
      hash: told.hash,
      header: header || null,
      named: false,
      signed: null,
      round: 0,
      trust,
      first: false,
      followed: 0,
    };
  }
  const before = await source.block(height - 1);
  const named = headerOf(before) && header;
  if (!sameHex(before.hash, told.parent)) throw new LightError('parent');
  // The header before names who decides this height.
  const wanted = before.validators_hash.toLowerCase();

  let trust = known;
  let followed = 0;
  if (!trust) {
    const set = await findSet(source, told, wanted);
    const sets = [{ bytes: set.bytes, from: height }];
    trust = { genesis, since_ms: Date.now(), from: height, height: height - 1, next_set: wanted, sets };
  } else if (height > trust.height) {
    // A set that was replaced decides nothing any more, whatever it signs.
    [trust, followed] = await follow(source, trust, height, wanted);
  } else if (setAt(trust, height)?.hash !== wanted) {
    throw new LightError('older');
  }
  const set = trustedSet(trust, wanted);
  if (!set) throw new LightError('set-unknown');
  const { round, ...signed } = await signedBy(genesis, told, set);

  const next_set = told.validators_hash.toLowerCase();
  // Only a header whose hash was taken may say who comes next.
  if (height > trust.height && (header || next_set === wanted)) {
    let { sets } = trust;
    if (next_set !== trust.next_set) {
      const next = await findSet(source, await source.block(height + 1), next_set).catch(() => null);
      if (next) sets = [...sets, { bytes: next.bytes, from: height + 1 }];
      else return done(trust);
    }
    trust = { ...trust, height, next_set, sets };
  }
  return done(trust);

  function done(trust: Trust): Checked {
    keepTrust(trust);
    const first = known === null;
    return { height, hash: told.hash, header: header || null, named, signed, round, trust, first, followed };
  }
}
