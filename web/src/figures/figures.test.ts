import i18next from 'i18next';
import { afterEach, beforeAll, describe, expect, test } from 'vitest';
import { ago, bytes, count, duration, millis, percent, rate, ratio, shortKey } from '.';

beforeAll(async () => {
  if (!i18next.isInitialized)
    await i18next.init({ lng: 'en', resources: { en: { t: { a: 'a' } }, de: { t: { a: 'a' } } } });
});
afterEach(() => i18next.changeLanguage('en'));

describe('figures', () => {
  test('bytes have three digits and a unit, and never four digits', () => {
    const written = [0, 512, 999, 1_000, 48_249_000, 663_000_000, 999_499, 999_500, 99_940, 99_950, 1.21e13].map(bytes);
    const should = '0 B,512 B,999 B,1.0 kB,48.2 MB,663 MB,999 kB,1.0 MB,99.9 kB,100 kB,12.1 TB';
    expect(written.join(',')).toBe(should);
    for (let n = 1; n < 1e18; n *= 1.07) expect(bytes(n)).toMatch(/^(\d{1,3}|\d{1,2}\.\d) [kMGTPE]?B$/);
  });

  test('what cannot be a count of bytes is none', () => {
    expect([-3, Number.NaN, Number.POSITIVE_INFINITY].map(bytes)).toEqual(['0 B', '0 B', '0 B']);
  });

  test('rates, ratios and percents', () => {
    expect(rate(48_200_000)).toBe('48.2 MB/s');
    expect([0, 0.126, 2.4, 9.999, 99.99, 1234].map(ratio)).toEqual(['0.00', '0.13', '2.40', '10.0', '100', '1,234']);
    expect([0, 0.729, 0.9999, 1, 7].map(percent)).toEqual(['0 %', '72 %', '99 %', '100 %', '100 %']);
    expect(count(18_204)).toBe('18,204');
  });

  test('durations have at most two units', () => {
    const written = [0, 12, 59.4, 59.6, 61, 119, 3_599, 3_600, 3_900, 86_399, 86_400, 273_700].map(duration);
    const should = '0 s|12 s|59 s|1 min|1 min|2 min|1 h|1 h|1 h 5 min|1 d|1 d|3 d 4 h';
    expect(written.join('|')).toBe(should);
    expect([0.4, 14.2, 999.6, 1_240].map(millis)).toEqual(['0.4 ms', '14 ms', '1.0 s', '1.2 s']);
  });

  test('how long ago is whole units, and under a minute it is now', () => {
    const now = 1_000_000_000_000;
    expect(ago(now - 3_000, now)).toBe('now');
    expect(ago(now - 7_300_000, now)).toBe('2 hr. ago');
    expect(ago(now + 7_300_000, now)).toBe('in 2 hr.');
    expect(ago(now - 86_400_000, now)).toBe('yesterday');
  });

  test('German has German figures', async () => {
    await i18next.changeLanguage('de');
    expect(bytes(48_249_000)).toBe('48,2 MB');
    expect(count(18_204)).toBe('18.204');
    expect(duration(273_700)).toBe('3 T 4 h');
    expect(ago(0, 7_300_000)).toBe('vor 2 Std.');
  });

  test('keys are shortened in the middle, addresses are not', () => {
    expect(shortKey('z6k4abcdefghijklmnopqrstuvwxyz9fq2')).toBe('z6k4…9fq2');
    expect(shortKey('127.0.0.1:51413')).toBe('127.0.0.1:51413');
    expect(shortKey('short')).toBe('short');
  });
});
