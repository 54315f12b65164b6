import type { ComponentType } from 'react';
import type { FeedState } from '../feed/store';

/** Words by key; nested keys are reached with dots (`table.name`). Plurals end in `_one` and `_other`. */
export interface Strings {
  [key: string]: string | Strings;
}

/**
 * One place of the dashboard: a folder beside this file whose `index.ts` exports it, and a line in `registry.ts`.
 *
 * The frame draws the page's h1 (the panel's `title`) and the landmark `main`; a page begins with h2, and lays its cards
 * out in `look/Grid`. Links and routes are absolute (`/files/…`).
 */
export interface Panel {
  /** Its name, and the i18n namespace of its strings. */
  id: string;
  /** Its address. What lies below it (`/files/…`) is the panel's own. */
  path: string;
  /** Its place in the navigation, ascending. */
  order: number;
  /** Whether it stands in the navigation. Its word there is the string `nav`. */
  nav: boolean;
  /** Fills the page, without navigation and header: for the first run. It draws its own h1. */
  bare?: boolean;
  /** The service whose face it is: the hub links to it. */
  service?: string;
  /** The thread colour of its service in the hub, 0 to 7. */
  thread?: number;
  /** Loads the page when it is first opened. */
  load: () => Promise<{ default: ComponentType }>;
  /** `nav` (its word in the navigation), `title` (the document's title) and its own words, in both languages. */
  strings: { en: Strings; de: Strings };
  /** A count beside its word in the navigation. */
  badge?: (state: FeedState) => number | string | undefined;
}
