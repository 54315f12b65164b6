import type { Panel } from '../panel';
import { strings } from './strings';

export const panel: Panel = {
  id: 'welcome',
  path: '/welcome',
  order: 100,
  nav: false,
  bare: true,
  load: () => import('./Page'),
  strings,
};
