import { expect, test } from 'vitest';
import { strings } from './strings';

type Words = { [key: string]: string | Words };

function flat(words: Words, above = ''): Map<string, string> {
  const all = new Map<string, string>();
  for (const [key, value] of Object.entries(words)) {
    if (typeof value === 'string') all.set(above + key, value);
    else for (const [inner, text] of flat(value, `${above}${key}.`)) all.set(inner, text);
  }
  return all;
}

test('both languages say the same things with the same figures in them', () => {
  const en = flat(strings.en);
  const de = flat(strings.de);
  expect([...de.keys()]).toEqual([...en.keys()]);
  const named = (text: string) => [...text.matchAll(/{{(\w+)}}/g)].map(([, name]) => name).sort();
  for (const [key, text] of en) expect([key, named(de.get(key) ?? '')]).toEqual([key, named(text)]);
  for (const [key, text] of [...en, ...de]) expect(text.trim(), key).not.toBe('');
});
