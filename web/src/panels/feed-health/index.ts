import type { Panel } from '../panel';
import { strings } from './strings';

export const panel: Panel = {
  id: 'feed-health',
  path: '/feed',
  order: 85,
  nav: true,
  load: () => import('./Page'),
  strings,
};
