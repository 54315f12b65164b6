import react from '@vitejs/plugin-react';
import { defineConfig } from 'vitest/config';
import { firstPaint } from './scripts/first-paint.ts';
import { ownLanguages } from './scripts/own-languages.ts';

/** The node that `npm run dev` talks to, and its token: `WEFT_API=http://127.0.0.1:9338 WEFT_TOKEN=… npm run dev`. */
const api = process.env['WEFT_API'];
const token = process.env['WEFT_TOKEN'];

export default defineConfig({
  plugins: [react(), firstPaint(), ownLanguages(['en-US', 'de-DE'])],
  build: {
    target: 'es2022',
    // Nothing becomes a data: address: the node's policy for fonts and styles is 'self' alone.
    assetsInlineLimit: 0,
    modulePreload: { polyfill: false },
    reportCompressedSize: false,
  },
  server: {
    host: '127.0.0.1',
    ...(api && {
      proxy: {
        '/api': {
          target: api,
          changeOrigin: true,
          headers: token ? { authorization: `Bearer ${token}`, origin: api } : {},
        },
      },
    }),
  },
  test: {
    environment: 'jsdom',
    setupFiles: ['tests/setup.ts'],
    include: ['src/**/*.test.{ts,tsx}'],
    restoreMocks: true,
    // A whole panel under axe takes a second; a machine that compiles beside takes ten times as long.
    testTimeout: 30_000,
    // Two workers: more cost time on small machines, since each loads a DOM of its own.
    maxWorkers: 2,
    css: { modules: { classNameStrategy: 'non-scoped' } },
  },
});
