import axe from 'axe-core';
import { expect } from 'vitest';

/**
 * Fails when axe finds anything in `element`. Colours are left to the end-to-end run: this DOM computes no layout, so
 * it cannot measure contrast.
 */
export async function expectAccessible(element: Element): Promise<void> {
  const { violations } = await axe.run(element, {
    rules: { 'color-contrast': { enabled: false }, region: { enabled: false } },
  });
  const found = violations.map(
    (rule) => `${rule.id}: ${rule.help}\n  ${rule.nodes.map((node) => node.html).join('\n  ')}`,
  );
  expect(found.join('\n')).toBe('');
}
