import type { FeedState } from '../feed/types';

interface Places {
  /** A device by an address that was heard of it. */
  exact: Map<string, string>;
  /** The one contact's device that is heard of at an IP address; null where there are several. */
  host: Map<string, string | null>;
}

const known = new WeakMap<FeedState['network']['peers'], Places>();

function hostOf(address: string): string {
  return address.slice(0, address.lastIndexOf(':'));
}

function places({ network, people }: FeedState): Places {
  let found = known.get(network.peers);
  if (!found) {
    const contacts = new Set(people.contacts.flatMap((contact) => contact.devices.map((device) => device.device_key)));
    found = { exact: new Map(), host: new Map() };
    for (const { id, key, addresses } of network.peers.values()) {
      if (key == null) continue;
      for (const { address } of addresses) {
        found.exact.set(address, id);
        if (!contacts.has(id)) continue;
        const host = hostOf(address);
        const other = found.host.get(host);
        found.host.set(host, other === undefined || other === id ? id : null);
      }
    }
    known.set(network.peers, found);
  }
  return found;
}

/**
 * The device behind a peer. Plain BitTorrent over TCP proves no key, so such a peer is known by its address alone; where
 * that address is one of a device that has proven its key, or the IP address is that of one contact only, it is taken for
 * that device. This is for names and colours: nothing is allowed or sent because of it.
 */
export function deviceBehind(state: FeedState, id: string): string {
  if (!id.includes(':')) return id;
  const { exact, host } = places(state);
  return exact.get(id) ?? host.get(hostOf(id)) ?? id;
}
