import type { ContactView, FeedState, PathKind, Peer } from '../../feed/types';
import { deviceBehind } from '../../threads';

/** A contact with everything that went to and came from their devices. */
export interface ContactRow {
  contact: ContactView;
  /** The best path that is open now. */
  path: PathKind | null;
  rtt_ms: number | null;
  bytes_in: number;
  bytes_out: number;
  /** When a device was last seen; null if never. */
  seen_ms: number | null;
}

/** Cheapest first: what is open in several ways is told by the best one. */
const ORDER: PathKind[] = ['direct', 'tls', 'tcp', 'relayed'];

function better(a: PathKind | null, b: PathKind | null | undefined): PathKind | null {
  if (b == null) return a;
  return a === null || ORDER.indexOf(b) < ORDER.indexOf(a) ? b : a;
}

/** The peers of each device, those that are known by their address alone included. */
function byDevice(state: FeedState): Map<string, Peer[]> {
  const found = new Map<string, Peer[]>();
  for (const peer of state.network.peers.values()) {
    const device = deviceBehind(state, peer.id);
    const peers = found.get(device);
    if (peers) peers.push(peer);
    else found.set(device, [peer]);
  }
  return found;
}

/** The address book, in its order, and who else was met, the latest seen first. */
export function rowsOf(state: FeedState): { contacts: ContactRow[]; others: Peer[] } {
  const peers = byDevice(state);
  const contacts = state.people.contacts.map((contact): ContactRow => {
    const row: ContactRow = { contact, path: null, rtt_ms: null, bytes_in: 0, bytes_out: 0, seen_ms: null };
    for (const device of contact.devices) {
      const seen = device.seen == null ? 0 : device.seen * 1000;
      row.seen_ms = Math.max(row.seen_ms ?? 0, seen) || null;
      for (const peer of peers.get(device.device_key) ?? []) {
        row.bytes_in += peer.bytes_in;
        row.bytes_out += peer.bytes_out;
        row.seen_ms = Math.max(row.seen_ms ?? 0, peer.last_seen_ms);
        if (peer.connections === 0) continue;
        row.path = better(row.path, peer.path);
        row.rtt_ms ??= peer.rtt_ms ?? null;
      }
      peers.delete(device.device_key);
    }
    return row;
  });
  const own = state.node.status?.peer ?? state.people.me?.device_key;
  if (own !== undefined) peers.delete(own);
  return { contacts, others: [...peers.values()].flat().sort((a, b) => a.first_seen_ms - b.first_seen_ms) };
}
