import { describe, expect, test } from 'vitest';
import type { FeedRecord } from '../../feed/types';
import { changeIn, lanes, merge, ofDevices, type Change } from './lanes';

const change = (seq: number, at_ms: number, peer: string, to: Change['to']): Change => ({ seq, at_ms, peer, to });

describe('lanes', () => {
  test('a peer has a stretch for each path, and a gap while it is away', () => {
    const changes = [
      change(1, 10, 'a', 'relayed'),
      change(2, 20, 'a', 'direct'),
      change(3, 40, 'a', null),
      change(4, 60, 'a', 'direct'),
    ];
    expect(lanes(new Map(), changes, 0, 100)).toEqual([
      {
        peer: 'a',
        last_ms: 60,
        stretches: [
          { from_ms: 10, to_ms: 20, path: 'relayed' },
          { from_ms: 20, to_ms: 40, path: 'direct' },
          { from_ms: 60, to_ms: 100, path: 'direct' },
        ],
      },
    ]);
  });

  test('who was connected from the beginning has a lane without a change', () => {
    const begun = new Map([['b', 'tcp' as const]]);
    expect(lanes(begun, [], 0, 50)).toEqual([
      { peer: 'b', last_ms: 0, stretches: [{ from_ms: 0, to_ms: 50, path: 'tcp' }] },
    ]);
  });

  test('the latest change comes first', () => {
    const changes = [change(1, 10, 'a', 'tcp'), change(2, 30, 'b', 'tcp'), change(3, 20, 'c', 'tcp')];
    expect(lanes(new Map(), changes, 0, 50).map((lane) => lane.peer)).toEqual(['b', 'c', 'a']);
  });

  test('a device with several connections has one lane, and the overlay says how it is reached', () => {
    const changes = [
      change(1, 10, '1.2.3.4:5', 'tcp'),
      change(2, 20, 'key', 'relayed'),
      change(3, 30, '1.2.3.4:5', null),
      change(4, 40, 'key', null),
    ];
    const found = ofDevices(new Map(), changes, () => 'key');
    expect(found.changes.map(({ peer, to }) => [peer, to])).toEqual([
      ['key', 'tcp'],
      ['key', 'relayed'],
      ['key', null],
    ]);
  });

  test('changes that are known are not counted twice', () => {
    const known = [change(1, 1, 'a', 'tcp'), change(3, 3, 'a', null)];
    expect(merge(known, [change(1, 1, 'a', 'tcp')])).toBe(known);
    expect(merge(known, [change(2, 2, 'b', 'tcp')]).map(({ seq }) => seq)).toEqual([1, 2, 3]);
  });

  test('content over the overlay is told by the overlay', () => {
    const record = (source: string, kind: string, data: object): FeedRecord => ({
      seq: 1,
      at_ms: 2,
      source,
      kind,
      data: { peer: 'a', ...data },
    });
    expect(changeIn(record('files', 'peer-connected', { path: 'relayed' }))).toBeNull();
    expect(changeIn(record('files', 'peer-connected', { path: 'tcp' }))).toMatchObject({ peer: 'a', to: 'tcp' });
    expect(changeIn(record('network', 'peer-path-changed', { from: 'relayed', to: 'direct' }))).toMatchObject({
      to: 'direct',
    });
    expect(changeIn(record('ledger', 'peer-connected', { path: 'tcp' }))).toBeNull();
  });
});
