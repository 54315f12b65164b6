import { afterEach, beforeEach, describe, expect, test, vi } from 'vitest';
import { useSession } from '../api/session';
import { emptyState, type ContactView, type Peer } from '../feed/types';
import { deviceBehind, nameIn, relayAddress, threadOf } from '.';
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

  test('a peer that is known by its address is taken for the device heard there; a contact by its IP address too', () => {
    const peer = (id: string, addresses: string[]) => ({
      id,
      key: id,
      hello: {},
      addresses: addresses.map((address) => ({ address, origin: 'user', heard_ms: 0 })),
    });
    const peers = new Map(
      [
        peer('d1', ['10.0.0.1:500']),
        peer('d2', ['10.0.0.2:1']),
        peer('d3', ['10.0.0.2:2']),
        peer('s', ['10.0.0.9:7']),
      ].map((one) => [one.id, one as unknown as Peer]),
    );
    const there = { ...state, network: { status: null, peers } };
    const found = ['10.0.0.1:500', '10.0.0.1:9', '10.0.0.2:2', '10.0.0.2:9', '10.0.0.9:7', '10.0.0.9:8', 'd1'];
    expect(found.map((id) => deviceBehind(there, id))).toEqual([
      'd1',
      'd1',
      'd3',
      '10.0.0.2:9',
      's',
      '10.0.0.9:8',
      'd1',
    ]);
  });

  test('a relay is named by the address in its host name', () => {
    expect(relayAddress('https://wnbi.127-77-31-5.weft.internal:40703/')).toBe('127.77.31.5:40703');
    expect(relayAddress('https://relay.example.org/')).toBe('relay.example.org');
    expect(relayAddress('no url')).toBe('no url');
  });
});
