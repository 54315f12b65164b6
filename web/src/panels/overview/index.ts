import type { Panel } from '../panel';
import { strings } from './strings';

export const panel: Panel = {
  id: 'overview',
  path: '/',
  order: 10,
  nav: true,
  load: () => import('./Page'),
  strings,
};
