import { feedState, useFeed, type FeedState } from '../feed/store';
import { shortKey } from '../figures';
import { deviceBehind } from './identity';
import type { ContactView } from '../feed/types';

const byDevice = new WeakMap<readonly ContactView[], Map<string, string>>();

/** What the address book calls each device: the contact's name, with the device's where there are several. */
function book(contacts: readonly ContactView[]): Map<string, string> {
  let names = byDevice.get(contacts);
  if (!names) {
    names = new Map();
    for (const { petname, devices, user_key } of contacts) {
      names.set(user_key, petname);
      for (const device of devices) {
        names.set(device.device_key, devices.length > 1 && device.name ? `${petname} · ${device.name}` : petname);
      }
    }
    byDevice.set(contacts, names);
  }
  return names;
}

/** A peer's name in `state`: yours for it, else what it says of itself, else its key or address. */
export function nameIn(state: FeedState, id: string): string {
  const device = deviceBehind(state, id);
  const known = book(state.people.contacts).get(device);
  if (known !== undefined) return known;
  const own = state.people.me?.devices.find((mine) => mine.device_key === device);
  if (own?.name) return own.name;
  const says = state.network.peers.get(device)?.hello['name'];
  return says !== undefined && says !== '' ? says : shortKey(device);
}

/** A peer's name, outside of components. */
export function peerName(id: string): string {
  return nameIn(feedState(), id);
}

/** A peer's name: the contact's and its device's, else what it calls itself, else its short key, else its address. */
export function usePeerName(id: string): string {
  return useFeed((state) => nameIn(state, id));
}

/** A function that names peers, new whenever the address book changes: for lists and graphs. */
export function usePeerNames(): (id: string) => string {
  const people = useFeed((state) => state.people);
  const peers = useFeed((state) => state.network.peers);
  return (id) => nameIn({ ...feedState(), people, network: { status: null, peers } }, id);
}
