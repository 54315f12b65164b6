import { readFileSync } from 'node:fs';
import { describe, expect, test } from 'vitest';

const css = readFileSync('src/look/tokens.css', 'utf8');

function tokens(selector: string): Record<string, string> {
  const begin = css.indexOf(`${selector} {`);
  const block = css.slice(begin, css.indexOf('}', begin));
  return Object.fromEntries(
    [...block.matchAll(/--([\w-]+):\s*(#[0-9a-f]+);/g)].map(
      ([, name, value]) => [name as string, value as string] as const,
    ),
  );
}

/** The relative luminance of WCAG 2.2. */
function luminance(hex: string): number {
  const full = hex.length === 4 ? hex.replace(/[0-9a-f]/g, '$&$&') : hex;
  const [r, g, b] = [1, 3, 5].map((at) => {
    const part = parseInt(full.slice(at, at + 2), 16) / 255;
    return part <= 0.04045 ? part / 12.92 : ((part + 0.055) / 1.055) ** 2.4;
  }) as [number, number, number];
  return 0.2126 * r + 0.7152 * g + 0.0722 * b;
}

function contrast(a: string, b: string): number {
  const [light, dark] = [luminance(a), luminance(b)].sort((x, y) => y - x) as [number, number];
  return (light + 0.05) / (dark + 0.05);
}

const GROUNDS = ['paper', 'surface', 'sunk'];
const WORDS = ['ink', 'ink2', 'ink3', 'accent', 'ok', 'warn', 'bad'];
const MARKS = ['mark', 't0', 't1', 't2', 't3', 't4', 't5', 't6', 't7'];

describe.each([':root', "[data-theme='dark']"])('the theme %s', (selector) => {
  const theme = tokens(selector);
  const colour = (name: string) => theme[name] ?? expect.fail(`--${name} is missing`);

  test.each(WORDS)('--%s can be read on every ground (WCAG AA: 4.5)', (word) => {
    for (const ground of GROUNDS) expect(contrast(colour(word), colour(ground))).toBeGreaterThanOrEqual(4.5);
  });

  test('what is chosen can be read: accent on its own soft ground, and words on the accent', () => {
    expect(contrast(colour('accent'), colour('accent-soft'))).toBeGreaterThanOrEqual(4.5);
    expect(contrast(colour('on-accent'), colour('accent'))).toBeGreaterThanOrEqual(4.5);
  });

  test.each(MARKS)('--%s can be seen on a card', (mark) => {
    // Threads also differ by pattern, name and place; 2.3 is what the lightest of the eight has on white.
    expect(contrast(colour(mark), colour('surface'))).toBeGreaterThanOrEqual(2.3);
  });

  test('both themes have the same names', () => {
    expect(Object.keys(theme).sort()).toEqual(Object.keys(tokens(':root')).sort());
  });
});
