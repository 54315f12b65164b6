import type { Panel } from '../panel';
import { strings } from './strings';

export const panel: Panel = {
  id: 'services',
  path: '/services',
  order: 50,
  nav: true,
  load: () => import('./Page'),
  strings,
};
