import type { Panel } from '../panel';
import { strings } from './strings';

export const panel: Panel = {
  id: 'activity',
  path: '/activity',
  order: 80,
  nav: true,
  load: () => import('./Page'),
  strings,
};
