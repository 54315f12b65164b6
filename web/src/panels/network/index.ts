import type { Panel } from '../panel';
import { strings } from './strings';

export const panel: Panel = {
  id: 'network',
  path: '/network',
  order: 40,
  nav: true,
  service: 'network',
  thread: 5,
  load: () => import('./Page'),
  strings,
};
