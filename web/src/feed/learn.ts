import { Draft } from './draft';
import type { FeedState, Peer } from './types';

/**
 * Puts what the API knows of peers beside what the feed told: addresses, relays and what they say of themselves, of which
 * records say nothing. Presence and figures stay the feed's, which is newer.
 */
export function learnPeers(state: FeedState, told: readonly Omit<Peer, 'rate_in' | 'rate_out'>[]): FeedState {
  const draft = new Draft(state);
  const holder = { peers: state.network.peers };
  for (const { id, addresses, relays, agent, hello, contact, rtt_min_ms } of told) {
    const known = holder.peers.get(id);
    if (!known) continue;
    const one = { known };
    draft.patch(one, 'known', { addresses, relays, agent, hello, contact, rtt_min_ms });
    if (one.known === known) continue;
    const owned = draft.own(holder.peers);
    owned.set(id, one.known);
    holder.peers = owned;
  }
  if (holder.peers === state.network.peers) return state;
  draft.part('network').peers = holder.peers;
  return draft.state;
}

/** Whether there is a peer connected by its key whose addresses nobody told yet. */
export function hasStrangers(state: FeedState): boolean {
  for (const peer of state.network.peers.values()) {
    if (peer.connections > 0 && peer.key != null && peer.addresses.length === 0) return true;
  }
  return false;
}
