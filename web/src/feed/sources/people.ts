import type { ContactView, Me } from '../types';
import { listOf, type Source } from './source';

function byName(a: ContactView, b: ContactView): number {
  return a.petname.localeCompare(b.petname);
}

export const people: Source = {
  snapshot(draft, state) {
    const { me, contacts } = (state ?? {}) as { me?: Me; contacts?: unknown };
    draft.state.people = { me: me ?? null, contacts: listOf<ContactView>(contacts) };
  },

  record(draft, record) {
    const { data } = record;
    const { contacts } = draft.state.people;
    switch (record.kind) {
      case 'contact-added':
      case 'contact-changed': {
        const contact = data['contact'] as ContactView;
        const { user_key } = contact;
        const others = contacts.filter((other) => other.user_key !== user_key);
        draft.part('people').contacts = [...others, contact].sort(byName);
        return;
      }
      case 'contact-removed':
        draft.part('people').contacts = contacts.filter((contact) => contact.user_key !== data['user_key']);
        return;
      default:
        return;
    }
  },
};
