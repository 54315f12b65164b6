import type { Panel } from '../panel';
import { strings } from './strings';

export const panel: Panel = {
  id: 'files',
  path: '/files',
  order: 20,
  nav: true,
  service: 'files',
  thread: 0,
  load: () => import('./Page'),
  strings,
  badge: (state) => state.files.torrents.size || undefined,
};
