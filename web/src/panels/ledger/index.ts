import type { Panel } from '../panel';

export const panel: Panel = {
  id: 'ledger',
  path: '/ledger',
  order: 45,
  nav: true,
  service: 'ledger',
  thread: 6,
  load: () => import('./Page'),
  // Its other words come with its page.
  strings: { en: { nav: 'Ledger', title: 'Ledger' }, de: { nav: 'Ledger', title: 'Ledger' } },
};
