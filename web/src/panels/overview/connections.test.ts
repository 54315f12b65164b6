import { describe, expect, test } from 'vitest';
import { recordedState, recording } from '../../../tests/recorded';
import { i18next } from '../../app/i18n';
import type { FeedState, Peer } from '../../feed/types';
import { connectionsOf, relayKey } from './connections';

const t = i18next.getFixedT('en', 'overview');

function withPeer(state: FeedState, change: (peer: Peer) => Partial<Peer>): { state: FeedState; id: string } {
  const known = [...state.network.peers.values()].find((peer) => peer.key != null && state.people.contacts.some((c) => c.devices.some((d) => d.device_key === peer.key))); // prettier-ignore
  if (!known) throw new Error('no contact was recorded');
  const peers = new Map([[known.id, { ...known, ...change(known) }]]);
  return { state: { ...state, network: { ...state.network, peers } }, id: known.id };
}

describe('a recorded lab', () => {
  const death = recording.records.findIndex(({ source, kind }) => source === 'network' && kind === 'peer-disconnected');

  test('each contact stands once, whatever addresses it has', () => {
    const state = recordedState(40);
    const { peers } = connectionsOf(state, t);
    for (const contact of state.people.contacts) {
      expect(peers.filter(({ name }) => name === contact.petname)).toHaveLength(1);
    }
    expect(new Set(peers.map(({ id }) => id)).size).toBe(peers.length);
  });

  test('this node is not among its peers', () => {
    const state = recordedState();
    expect(connectionsOf(state, t).peers.map(({ id }) => id)).not.toContain(state.people.me?.device_key);
  });

  test('a peer that dies becomes hollow and stays on the map', () => {
    expect(death).toBeGreaterThan(0);
    const gone = String(recording.records[death]?.data['peer']);
    const after = recordedState();
    const peers = new Map(after.network.peers);
    const peer = peers.get(gone);
    if (peer) peers.set(gone, { ...peer, connections: 0, path: null });
    const shown = connectionsOf({ ...after, network: { ...after.network, peers } }, t).peers.find(
      ({ id }) => id === gone,
    );
    expect(shown).toBeDefined();
  });
});

test('a relayed peer goes through the relay that carries its packets', () => {
  const url = `https://${'y'.repeat(52)}.example.invalid`;
  const other = `https://${'b'.repeat(52)}.example.invalid`;
  const { state } = withPeer(recordedState(40), () => ({
    connections: 1,
    path: 'relayed',
    relays: [other, url],
    via_relay: url,
    rtt_ms: 51,
  }));
  const { peers, relays } = connectionsOf(state, t);
  const relayed = peers.find(({ route }) => route === 'relayed');
  expect(relayed).toMatchObject({ via: 'y'.repeat(52), note: '51 ms' });
  expect(relays.map(({ id }) => id)).toContain('y'.repeat(52));
});

test('who is away is hollow, and says since when', () => {
  const at = recordedState(40).at_ms;
  const { state, id } = withPeer(recordedState(40), () => ({
    connections: 0,
    path: null,
    last_seen_ms: at - 2 * 3_600_000,
  }));
  expect(connectionsOf(state, t).peers.find((peer) => peer.id === id)).toMatchObject({
    route: 'offline',
    note: 'offline 2 h',
  });
});

test('a relay is named by the key in its address, or else by its host', () => {
  expect(relayKey(`https://${'a'.repeat(52)}.127-0-0-1.example.invalid`)).toBe('a'.repeat(52));
  expect(relayKey('https://relay.example:443/')).toBe('relay.example');
});
