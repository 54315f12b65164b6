import { lazy, type ComponentType } from 'react';
import type { Panel } from '../panels/panel';
import { panels } from '../panels/registry';

/** The panel an address belongs to. */
export function panelAt(path: string): Panel | undefined {
  const at = path.length > 1 ? path.replace(/\/+$/, '') : path;
  return panels.find((panel) => at === panel.path || (panel.path !== '/' && at.startsWith(`${panel.path}/`)));
}

const pages = new Map<string, ComponentType>();

/** A panel's page, loaded when it is first shown. */
export function pageOf(panel: Panel): ComponentType {
  let page = pages.get(panel.id);
  if (!page) {
    page = lazy(panel.load);
    pages.set(panel.id, page);
  }
  return page;
}

/** Forgets a page that could not be loaded, so that it is asked for again. */
export function forgetPage(panel: Panel): void {
  pages.delete(panel.id);
}
