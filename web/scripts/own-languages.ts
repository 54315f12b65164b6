import type { Plugin } from 'vite';

/** React Aria brings its few words in some thirty languages. */
const WORDS =
  /[\\/](?:react-aria|react-stately|react-aria-components)[\\/]dist[\\/].*[\\/]intl[\\/].*[\\/]([a-z]{2}-[A-Z]{2})\.mjs$/;

/** Leaves out words in languages that this page does not speak. */
export function ownLanguages(kept: readonly string[]): Plugin {
  return {
    name: 'own-languages',
    enforce: 'pre',
    load(id) {
      const language = WORDS.exec(id)?.[1];
      return language && !kept.includes(language) ? 'export default {};' : null;
    },
  };
}
