import { expect, test } from 'vitest';
import { giversOf, woven } from './cells';

test('cells name their givers; what names nobody is missing', () => {
  const givers = ['', ...Array.from({ length: 61 }, (_, index) => `p${String(index + 1)}`)];
  expect(giversOf({ givers, cells: '.0aAZ' })).toEqual([null, '', 'p10', 'p36', 'p61']);
  expect(giversOf({ givers: [''], cells: '01!\u{1f600}' })).toEqual(['', null, null, null]);
});

test('woven is what was missing before', () => {
  const weave = (cells: string) => giversOf({ givers: ['', 'anna'], cells });
  expect(woven(weave('..0.'), weave('1.01'))).toEqual([0, 3]);
  expect(woven(weave('1111'), weave('....'))).toEqual([]);
  // Another number of columns: the metadata came meanwhile.
  expect(woven(weave('..'), weave('1111'))).toEqual([]);
});
