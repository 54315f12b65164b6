import { readFile } from 'node:fs/promises';
import { createRequire } from 'node:module';
import type { AxeResults, RunOptions } from 'axe-core';
import type { Seen } from './screens';
import { must } from './until';

const source = readFile(createRequire(import.meta.url).resolve('axe-core/axe.min.js'), 'utf8');

interface Axe {
  run: (context: { exclude: string[] }, options: RunOptions) => Promise<AxeResults>;
}

/** Looks for what keeps people out. Returns how many rules were passed. */
export async function accessible({ page, name }: Seen, what: string): Promise<number> {
  // Through the debugger, because the page lets no foreign script in.
  if (!(await page.evaluate(() => 'axe' in globalThis))) await page.evaluate(await source);
  const options: RunOptions = { resultTypes: ['violations'] };
  const found = await page.evaluate(async (options) => {
    const { axe } = globalThis as unknown as { axe: Axe };
    // What is announced is named after a button that may be gone again; it is read once, and then it goes too.
    const { violations, passes } = await axe.run({ exclude: ['[data-live-announcer]'] }, options);
    return {
      passes: passes.length,
      violations: violations.map(({ id, impact, help, nodes }) => ({
        id,
        impact,
        help,
        nodes: nodes.slice(0, 3).map((node) => `${node.html.slice(0, 300)}: ${node.failureSummary ?? ''}`),
      })),
    };
  }, options);
  const grave = found.violations.filter(({ impact }) => impact === 'serious' || impact === 'critical');
  const told = grave.map(
    ({ id, impact, help, nodes }) => `${String(impact)} ${id}: ${help}\n    ${nodes.join('\n    ')}`,
  );
  must(grave.length === 0, `axe on ${name}'s ${what}:\n  ${told.join('\n  ')}`);
  return found.passes;
}
