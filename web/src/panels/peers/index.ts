import type { Panel } from '../panel';
import { strings } from './strings';

export const panel: Panel = {
  id: 'peers',
  path: '/peers',
  order: 30,
  nav: true,
  service: 'people',
  thread: 2,
  load: () => import('./Page'),
  strings,
  badge: (state) => state.people.contacts.length || undefined,
};
