import { describe, expect, test } from 'vitest';
import { strings as look } from '../look/strings';
import type { Strings } from '../panels/panel';
import { panels } from '../panels/registry';
import { panelAt } from './routes';
import { strings as frame } from './strings';

/** Every key, and the values its text takes; plural forms are one key. */
function keys(strings: Strings, before = ''): string[] {
  return Object.entries(strings).flatMap(([key, value]) => {
    if (typeof value !== 'string') return keys(value, `${before}${key}.`);
    const values = [...value.matchAll(/\{\{(\w+)/g)].map(([, name]) => name).filter((name) => name !== 'count');
    return [`${before}${key.replace(/_(one|other|zero)$/, '')} ${[...new Set(values)].sort().join(',')}`];
  });
}

const all = [
  ...panels.map(({ id, strings }) => ({ id, strings })),
  { id: 'frame', strings: frame },
  { id: 'look', strings: look },
];

describe('words', () => {
  test.each(all)('$id says the same in both languages', ({ strings: { en, de } }) => {
    expect(new Set(keys(de))).toEqual(new Set(keys(en)));
  });

  test.each(all)('$id has no empty word', ({ strings: { en, de } }) => {
    for (const text of [en, de]) expect(JSON.stringify(text)).not.toMatch(/:""/);
  });

  test('every panel has a word for the navigation and a title', () => {
    for (const { strings } of panels) {
      for (const words of [strings.en, strings.de])
        expect([typeof words['nav'], typeof words['title']]).toEqual(['string', 'string']);
    }
  });
});

describe('addresses', () => {
  test('names and addresses are used once', () => {
    expect(new Set(panels.map(({ id }) => id)).size).toBe(panels.length);
    expect(new Set(panels.map(({ path }) => path)).size).toBe(panels.length);
  });

  test('a panel has what lies below its address, and nothing else', () => {
    expect(panelAt('/')?.id).toBe('overview');
    expect(panelAt('/files')?.id).toBe('files');
    expect(panelAt('/files/')?.id).toBe('files');
    expect(panelAt('/files/abc/def')?.id).toBe('files');
    expect(panelAt('/filesystem')).toBeUndefined();
    expect(panelAt('/nowhere')).toBeUndefined();
  });
});
