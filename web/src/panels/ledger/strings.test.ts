import { expect, test } from 'vitest';
import { de } from './strings.de';
import { en } from './strings.en';

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
  const [english, german] = [flat(en), flat(de)];
  expect([...german.keys()]).toEqual([...english.keys()]);
  const named = (text: string) => [...text.matchAll(/{{(\w+)}}/g)].map(([, name]) => name).sort();
  for (const [key, text] of english) expect([key, named(german.get(key) ?? '')]).toEqual([key, named(text)]);
  for (const [key, text] of [...english, ...german]) expect(text.trim(), key).not.toBe('');
});
