import { createContext, useContext } from 'react';
import type { Dropped } from './dropped';

/** What the dialog begins with. */
export interface Seed {
  /** A link, an info-hash or a path. */
  text?: string;
  /** Files that were dropped or picked. */
  files?: Dropped[];
}

interface AddContextValue {
  /** Opens the dialog that adds things. */
  openAdd: (seed?: Seed) => void;
}

export const AddContext = createContext<AddContextValue>({ openAdd: () => undefined });

/** The way to the dialog that adds things. */
export function useAdd(): AddContextValue {
  return useContext(AddContext);
}
