import { beforeEach, describe, expect, test } from 'vitest';
import { ledgerRecording } from '../../../../tests/recorded';
import type { BlockDetail } from '../requests';
import { hexOf } from './bytes';
import { check, type Source, type Told } from './check';
import { readCertificate } from './certificate';
import { readHeader, rlpStrings } from './header';
import { readSet, setOf } from './set';
import { forgetTrust, trustOf } from './trust';

const { answers, records, snapshot } = ledgerRecording;
const { genesis } = (snapshot.state['ledger'] as { chain: { genesis: string } }).chain;

function told(height: number): Told {
  const found = answers[`GET /api/v1/ledger/blocks/${height}`];
  if (!found) throw new Error(`block ${height} was not recorded`);
  return structuredClone(found.body as BlockDetail);
}

/** The recorded node, with some of what it says changed. */
function node(change: Record<number, (block: Told) => void> = {}): Source & { asked: number[] } {
  const asked: number[] = [];
  return {
    asked,
    block(height) {
      asked.push(height);
      const block = told(height);
      change[height]?.(block);
      return Promise.resolve(block);
    },
    names: (height) => Promise.resolve(told(height).validators_hash),
    validators: () => Promise.resolve(answers['GET /api/v1/ledger/validators']?.body as never),
  };
}

/** Changes one digit of a hexadecimal. */
function spoilt(hex: string, at: number): string {
  return hex.slice(0, at) + (hex[at] === '0' ? '1' : '0') + hex.slice(at + 1);
}

const head = Math.max(
  ...records.filter(({ kind }) => kind === 'block').map(({ data }) => (data['block'] as Told).height),
);
/** The sets of this and of what follows are in the recording. */
const first = 305;

describe('the light client', () => {
  beforeEach(() => forgetTrust(genesis));

  test('a block of the live network holds', async () => {
    const found = await check(genesis, head, node());
    expect(found).toMatchObject({ header: true, named: true, first: true, followed: 0, round: 0 });
    expect(found.signed).toMatchObject({ enough: true, wrong: [], strangers: [] });
    expect(found.signed?.signatures).toBeGreaterThan(1);
    expect(trustOf(genesis)).toMatchObject({ genesis, from: head, height: head });
  });

  test('two changes of the set are followed, by search and not block by block', async () => {
    await check(genesis, first, node());
    const source = node();
    const found = await check(genesis, head, source);
    expect(found).toMatchObject({ first: false, followed: 2 });
    expect(new Set(source.asked).size).toBeLessThan(10);
    const trust = trustOf(genesis);
    expect(trust?.sets.map(({ from }) => from)).toEqual([first, 319, 321]);
    // What was passed stays to be checked, by the set of its height.
    expect((await check(genesis, first + 3, node())).first).toBe(false);
    expect((await check(genesis, 319, node())).followed).toBe(0);
  });

  test('followed as the blocks come, nothing is searched', async () => {
    await check(genesis, first, node());
    for (let height = first + 1; height <= head; height++) {
      expect((await check(genesis, height, node())).followed).toBe(0);
    }
    expect(trustOf(genesis)?.sets).toHaveLength(3);
  });

  test('a wrong signature does not', async () => {
    const source = node({
      [head]: (block) => (block.certificate = spoilt(block.certificate, block.certificate.length - 30)),
    });
    await expect(check(genesis, head, source)).rejects.toMatchObject({ flaw: 'signature' });
    expect(trustOf(genesis)).toBeNull();
  });

  test('another chain’s signatures do not', async () => {
    const other = spoilt(genesis, 20);
    await expect(check(other, head, node())).rejects.toMatchObject({ flaw: 'signature' });
  });

  test('a wrong set does not', async () => {
    const lie = (block: Told) => {
      const set = readSet(block.set ?? '');
      const members = set.members.map((one) => ({ ...one, power: Number(one.power) }));
      block.set = setOf(members.slice(0, 2)).bytes;
    };
    await expect(check(genesis, head, node({ [head]: lie }))).rejects.toMatchObject({ flaw: 'set-wrong' });
  });

  test('a set that was replaced decides nothing any more', async () => {
    const old = told(318);
    await check(genesis, first, node());
    await check(genesis, head - 1, node());
    // The node forges: an old block, with the signatures of those who were validators then, in place of a new one.
    const forge = (block: Told) => Object.assign(block, { ...old, height: head });
    await expect(check(genesis, head, node({ [head]: forge }))).rejects.toMatchObject({ flaw: 'header-field' });
    const bare = (block: Told) =>
      Object.assign(block, { ...old, height: head, header: null, parent: told(head - 1).hash });
    await expect(check(genesis, head, node({ [head]: bare }))).rejects.toMatchObject({ flaw: 'certificate-height' });
  });

  test.each([
    ['timestamp', (block: Told) => (block.timestamp += 1)],
    ['proposer', (block: Told) => (block.proposer = spoilt(block.proposer, 10))],
    ['gas_used', (block: Told) => (block.gas_used += 1)],
    ['state_root', (block: Told) => (block.state_root = spoilt(block.state_root, 9))],
    ['validators_hash', (block: Told) => (block.validators_hash = spoilt(block.validators_hash, 9))],
  ])('a changed %s does not', async (field, change) => {
    await expect(check(genesis, head, node({ [head]: change }))).rejects.toMatchObject({
      flaw: 'header-field',
      values: { field },
    });
  });

  test('a changed header does not', async () => {
    const lie = (block: Told) => (block.header = spoilt(block.header ?? '', 300));
    await expect(check(genesis, head, node({ [head]: lie }))).rejects.toMatchObject({ flaw: 'header-hash' });
    const more = (block: Told) => (block.header = `${block.header ?? ''}00`);
    await expect(check(genesis, head, node({ [head]: more }))).rejects.toMatchObject({ flaw: 'header-unreadable' });
    const before = { [head - 1]: (block: Told) => (block.validators_hash = spoilt(block.validators_hash, 9)) };
    await expect(check(genesis, head, node(before))).rejects.toMatchObject({ flaw: 'header-field' });
  });

  test('too few signatures do not', async () => {
    const lie = (block: Told) => {
      const { signatures } = readCertificate(block.certificate);
      const one = signatures[0];
      if (!one) throw new Error('no signature');
      const begin = block.certificate.slice(0, 2 + 2 * 46);
      block.certificate = `${begin}00000001${one.address.slice(2)}${hexOf(one.signature).slice(2)}`;
    };
    await expect(check(genesis, head, node({ [head]: lie }))).rejects.toMatchObject({ flaw: 'power' });
  });

  test('a certificate of another block or height does not', async () => {
    const other = told(head - 1).certificate;
    const source = node({ [head]: (block) => (block.certificate = other) });
    await expect(check(genesis, head, source)).rejects.toMatchObject({ flaw: 'certificate-height' });
  });

  test('without header bytes signatures still hold, but a change of the set is not believed', async () => {
    const bare = Object.fromEntries(
      Array.from({ length: head - first + 2 }, (_, at) => [first - 1 + at, (block: Told) => (block.header = null)]),
    );
    expect(await check(genesis, first, node(bare))).toMatchObject({ header: null, named: false });
    expect((await check(genesis, first + 1, node(bare))).signed?.enough).toBe(true);
    await expect(check(genesis, head, node(bare))).rejects.toMatchObject({ flaw: 'set-unproven' });
  });

  test('what was decided before the first sight by others is not told right or wrong', async () => {
    await check(genesis, head, node());
    await expect(check(genesis, first, node())).rejects.toMatchObject({ flaw: 'older' });
  });
});

describe('its bytes', () => {
  test('header, certificate and set are read as they were written', () => {
    const block = told(head);
    expect(readHeader(block.header ?? '')).toMatchObject({ hash: block.hash, height: BigInt(head) });
    const { signatures } = readCertificate(block.certificate);
    expect(signatures.map(({ address }) => address)).toEqual(
      (block as unknown as BlockDetail).signers.map((one) => one.toLowerCase()),
    );
    expect(readSet(block.set ?? '').hash).toBe(told(head - 1).validators_hash);
  });

  test.each(['0x', '0xc0', '0xf90280', '0xff' + 'ff'.repeat(40), '0x01', 'nothing', '0xzz'])('%s is refused', (hex) => {
    for (const read of [readHeader, readCertificate, readSet]) expect(() => read(hex)).toThrow();
  });

  test('any cut of a header, certificate or set is refused, and never taken for another', () => {
    const block = told(head);
    const of = [
      [readHeader, block.header],
      [readCertificate, block.certificate],
      [readSet, block.set],
    ] as const;
    for (const [read, hex] of of) {
      for (let end = 2; end < (hex ?? '').length; end += 26) expect(() => read((hex ?? '').slice(0, end))).toThrow();
    }
    expect(() => rlpStrings(new Uint8Array(0))).toThrow();
  });
});
