import { expect, test } from 'vitest';
import { i18next } from '../../../app/i18n';
import { candidatesIn } from '../start/candidates';
import { coins, isDust, parseCoins, weis } from './coins';
import { fullness } from './gas';
import { soughtIn } from './kinds';
import { letterAt } from './letters';

test('amounts are read as they are written, to the last digit', async () => {
  expect(parseCoins('1.5')).toBe(1_500_000_000_000_000_000n);
  expect(parseCoins(' 1,5 ')).toBe(1_500_000_000_000_000_000n);
  expect(parseCoins('0.000000000000000001')).toBe(1n);
  expect(parseCoins('123456789012345678901234567890')).toBe(123456789012345678901234567890n * 10n ** 18n);
  for (const odd of ['', '.5', '5.', '-1', '1e3', '0x1', '1.5.2', '1.0000000000000000001', '１']) {
    expect(parseCoins(odd), odd).toBeNull();
  }
  expect(coins('1234500000000000000000')).toBe('1,234.5');
  expect(coins(1n, 18)).toBe('0.000000000000000001');
  expect(coins('999999999999999999')).toBe('0.999999');
  expect([isDust('999999999999'), isDust('1000000000000'), isDust('0')]).toEqual([true, false, false]);
  expect([coins('nonsense'), weis('-5'), weis('7000')]).toEqual(['0', '0', '7,000']);
  await i18next.changeLanguage('de');
  expect(coins('1234500000000000000000')).toBe('1.234,5');
  await i18next.changeLanguage('en');
});

test('what is looked for is told apart', () => {
  const hash = 'aB'.repeat(32);
  const account = 'Cd'.repeat(20);
  expect(soughtIn(' 1,234 ')).toEqual({ kind: 'block', text: '1234' });
  expect(soughtIn('0')).toEqual({ kind: 'block', text: '0' });
  expect(soughtIn(hash)).toEqual({ kind: 'hash', text: `0x${hash}` });
  expect(soughtIn(`0X${account}`)).toEqual({ kind: 'account', text: `0x${account}` });
  for (const odd of ['', 'latest', '-1', '0x12', `0x${hash}00`, '../status', '1e9'])
    expect(soughtIn(odd), odd).toBeNull();
});

test('a small share of a large block is told', () => {
  expect([fullness(0, 5e8), fullness(21_000, 5e8), fullness(1, 5e8), fullness(25e7, 5e8), fullness(5, 0)]).toEqual([
    '0 %',
    '0.004 %',
    '0.001 %',
    '50 %',
    '0 %',
  ]);
});

test('letters go on after Z', () => {
  expect([0, 25, 26, 51, 52, 99].map(letterAt)).toEqual(['A', 'Z', 'AA', 'AZ', 'BA', 'CV']);
});

test('candidate lines are told by their line', () => {
  expect(candidatesIn('')).toEqual({ lines: [], odd: null });
  expect(candidatesIn('weft:validator/a\n\nweft:validator/b=7')).toEqual({
    lines: [{ candidate: 'weft:validator/a' }, { candidate: 'weft:validator/b', power: 7 }],
    odd: null,
  });
  expect(candidatesIn('weft:validator/a\nweft:ledger/b').odd).toBe(2);
  expect(candidatesIn('weft:validator/a=many').odd).toBe(1);
});
