import type { Panel } from '../panel';
import { strings } from './strings';

export const panel: Panel = {
  id: 'settings',
  path: '/settings',
  order: 90,
  nav: true,
  load: () => import('./Page'),
  strings,
};
