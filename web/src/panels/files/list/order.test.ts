import { describe, expect, test } from 'vitest';
import { recordedState } from '../../../../tests/recorded';
import type { Torrent } from '../../../feed/types';
import { counted, passing } from './filter';
import { arrange, orderBy } from './order';

const [base] = recordedState().files.torrents.values();
const made = (id: string, change: Partial<Torrent>): [string, Torrent] => [
  id,
  { ...(base as Torrent), info_hash: id, name: id, warnings: [], trouble: null, ...change },
];
const torrents = new Map([
  made('a', { rate_down: 5, name: 'Zebra', state: 'downloading', eta_seconds: 60 }),
  made('b', { rate_down: 9, name: 'apple', state: 'seeding', eta_seconds: null }),
  made('c', { rate_down: 5, name: 'Äpfel', state: 'paused', eta_seconds: 5 }),
]);
const ids = [...torrents.keys()];

describe('the order', () => {
  test('is the newest first until another is asked for', () => {
    expect(arrange(ids, null)).toEqual(['c', 'b', 'a']);
  });

  test('is what was asked, with the same figures as they came', () => {
    expect(orderBy(torrents, 'down', true).ids).toEqual(['b', 'a', 'c']);
    expect(orderBy(torrents, 'name', false).ids).toEqual(['c', 'b', 'a']);
    expect(orderBy(torrents, 'left', false).ids).toEqual(['c', 'a', 'b']);
  });

  test('stays while figures change; what comes later comes last', () => {
    const order = orderBy(torrents, 'down', true);
    expect(arrange([...ids, 'd'], order)).toEqual(['b', 'a', 'c', 'd']);
    expect(arrange(['c', 'a'], order)).toEqual(['a', 'c']);
  });
});

describe('the filter', () => {
  test('takes states and words', () => {
    expect(passing(torrents, 'paused', '')).toEqual(['c']);
    expect(passing(torrents, 'all', 'ZEB')).toEqual(['a']);
    expect(passing(torrents, 'all', 'b')).toEqual(['a', 'b']);
    expect(passing(torrents, 'seeding', 'zebra')).toEqual([]);
    expect(counted(torrents)).toEqual({ all: 3, downloading: 1, seeding: 1, paused: 1, trouble: 0 });
  });

  test('counts a warning as trouble', () => {
    const trouble = { kind: 'file-changed', message: 'x', mend: 'y' } as const;
    const map = new Map([made('a', { warnings: [trouble] }), made('b', { trouble })]);
    expect(passing(map, 'trouble', '')).toEqual(['a', 'b']);
  });
});
