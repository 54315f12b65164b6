import { afterEach, beforeEach, describe, expect, test, vi } from 'vitest';
import { useSession } from '../api/session';
import { emptyState, type ContactView } from '../feed/types';
import { nameIn, threadOf } from '.';
import { unravel } from './threads';

function signIn(peer: string) {
  useSession.setState({ state: 'in', peer });
}

describe('threads', () => {
  beforeEach(() => {
    vi.useFakeTimers();
    unravel();
  });
  afterEach(() => {
    vi.useRealTimers();
    useSession.setState({ state: 'starting', peer: null });
  });

  test('who is seen first has the first hue; the ninth shares it and gets a pattern', () => {
    const seen = Array.from({ length: 25 }, (_, i) => threadOf(`peer-${i}`));
    expect(seen.slice(0, 8).map((thread) => thread.index)).toEqual([0, 1, 2, 3, 4, 5, 6, 7]);
    expect(seen[8]).toMatchObject({ index: 0, pattern: 1, colour: 'var(--t0)', className: 'thread-0 pattern-1' });
    expect(seen[17]).toMatchObject({ index: 1, pattern: 2 });
    expect(threadOf('peer-3')).toBe(seen[3]);
  });

  test('a peer keeps its thread over a reload, for each node its own', () => {
    signIn('node-a');
    ['x', 'y', 'z'].forEach(threadOf);
    vi.runAllTimers();
    unravel();
    expect(threadOf('z').index).toBe(2);
    signIn('node-b');
    unravel();
    expect(threadOf('z').index).toBe(0);
  });

  test('a node with very many peers keeps a bounded list, and each peer still has one thread', () => {
    signIn('node-a');
    for (let i = 0; i < 2_000; i++) threadOf(`peer-${i}`);
    vi.runAllTimers();
    expect(JSON.parse(localStorage.getItem('weft.threads.node-a') ?? '[]')).toHaveLength(512);
    expect(threadOf('peer-1999')).toBe(threadOf('peer-1999'));
  });
});

describe('names', () => {
  const device = (device_key: string, name: string) => ({ device_key, name, certified: 0 });
  const contact = (user_key: string, petname: string, devices: ContactView['devices']): ContactView => ({
    user_key,
    petname,
    blocked: false,
    added: 0,
    devices,
  });
  const state = {
    ...emptyState,
    people: {
      me: null,
      contacts: [
        contact('u1', 'anna', [device('d1', 'laptop')]),
        contact('u2', 'bo', [device('d2', 'phone'), device('d3', 'nas')]),
      ],
    },
  };

  test('the address book names a device, and tells several apart', () => {
    expect(['d1', 'd2', 'd3', 'u2'].map((id) => nameIn(state, id))).toEqual(['anna', 'bo · phone', 'bo · nas', 'bo']);
  });

  test('a stranger has its key, shortened, or its address', () => {
    expect(nameIn(state, 'abcdefghijklmnopqrstuvwxyz')).toBe('abcd…wxyz');
    expect(nameIn(state, '127.1.2.3:4444')).toBe('127.1.2.3:4444');
  });
});
