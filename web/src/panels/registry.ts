import type { Panel } from './panel';

const all: Panel[] = [];

/** Every panel, in the order of the navigation. A new one is an import line above and its name in the list. */
export const panels: readonly Panel[] = all.sort((a, b) => a.order - b.order);
