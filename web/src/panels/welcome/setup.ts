import type { components } from '../../api/schema';

/** How far the first run is. */
export type Setup = components['schemas']['Setup'];
