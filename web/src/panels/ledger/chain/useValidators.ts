import { useMemo } from 'react';
import { useFeed } from '../../../feed/store';
import type { Validator } from '../../../feed/types';
import { shownName } from '../../../look/Name';
import { threadOf, usePeerNames, type Thread } from '../../../threads';
import { letterAt } from '../marks/letters';
import { shortened } from '../../../look/Copy';

/** How a validator is drawn and named. */
export interface Face {
  address: string;
  /** Empty for one that is no validator now. */
  letter: string;
  /** What you call it, or its short account. */
  name: string;
  me: boolean;
  thread: Thread;
  validator: Validator | undefined;
}

export interface Validators {
  list: readonly Validator[];
  total: number;
  face: (address: string) => Face;
}

/** The validators, and how each is drawn: by the thread and the name of its node, where that is known. */
export function useValidators(): Validators {
  const list = useFeed((state) => state.ledger.validators);
  const peers = useFeed((state) => state.ledger.peers);
  const self = useFeed((state) => state.node.status?.peer);
  const contacts = useFeed((state) => state.people.contacts);
  const nameOf = usePeerNames();
  return useMemo(() => {
    const places = new Map(list.map((one, place) => [one.address.toLowerCase(), { one, place }]));
    const nodes = new Map(peers.flatMap(({ peer, validator }) => (validator ? [[validator.toLowerCase(), peer]] : [])));
    const known = new Set(contacts.flatMap(({ devices }) => devices.map(({ device_key }) => device_key)));
    const faces = new Map<string, Face>();
    const face = (address: string): Face => {
      const id = address.toLowerCase();
      const made = faces.get(id);
      if (made) return made;
      const found = places.get(id);
      const me = found?.one.me ?? false;
      const node = me ? self : nodes.get(id);
      const named = !me && node !== undefined && known.has(node);
      const drawn: Face = {
        address,
        letter: found ? letterAt(found.place) : '',
        name: named ? shownName(nameOf(node), 24) : shortened(address, 6),
        me,
        thread: threadOf(node ?? id),
        validator: found?.one,
      };
      faces.set(id, drawn);
      return drawn;
    };
    return { list, total: list.reduce((sum, { power }) => sum + power, 0), face };
    // Names of peers follow the address book.
    // eslint-disable-next-line react-hooks/exhaustive-deps
  }, [list, peers, self, contacts]);
}
