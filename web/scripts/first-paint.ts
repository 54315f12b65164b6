import { readFile } from 'node:fs/promises';
import type { Plugin } from 'vite';

const SOURCE = 'src/app/first-paint.js';

/**
 * Puts `src/app/first-paint.js` into the head as a classic script of its own file. Modules run after the first paint,
 * and inline scripts are forbidden by the node's content security policy; a theme chosen by hand must be there before.
 */
export function firstPaint(): Plugin {
  let building = false;
  return {
    name: 'first-paint',
    configResolved({ command }) {
      building = command === 'build';
    },
    async buildStart() {
      if (building) this.emitFile({ type: 'asset', name: 'first-paint.js', source: await readFile(SOURCE, 'utf8') });
    },
    transformIndexHtml: {
      order: 'post',
      handler(html, context) {
        const asset = Object.values(context.bundle ?? {}).find(
          (file) => file.type === 'asset' && file.names.includes('first-paint.js'),
        );
        if (building && !asset) throw new Error(`${SOURCE} is not in the bundle`);
        const src = asset ? `/${asset.fileName}` : `/${SOURCE}`;
        return { html, tags: [{ tag: 'script', attrs: { src }, injectTo: 'head' }] };
      },
    },
  };
}
