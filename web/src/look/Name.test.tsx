import { render } from '@testing-library/react';
import { expect, test } from 'vitest';
import '../app/i18n';
import { Name, shownName } from './Name';

test('markup in a name is text', () => {
  const { container } = render(<Name text={'<img src=x onerror=alert(1)><b>bold</b>'} />);
  expect(container.querySelector('img, b')).toBeNull();
  expect(container.querySelector('bdi')).toHaveTextContent('<img src=x onerror=alert(1)><b>bold</b>');
});

test('what hides or turns text is taken out; scripts and emoji stay', () => {
  expect(shownName('gpj.\u202Eexe')).toBe('gpj.exe');
  expect(shownName('a\u0000b\u009bc\u2066d\u2069\u200be')).toBe('abcde');
  expect(shownName('line\nbreak\r\n\ttab')).toBe('linebreaktab');
  expect(shownName('نمی\u200Cخواهم 👩\u200D👩\u200D👧 e\u0301')).toBe('نمی\u200Cخواهم 👩\u200D👩\u200D👧 e\u0301');
});

test('a name of ten thousand characters is cut, whole characters only, and so is its tooltip', () => {
  const { container } = render(<Name text={'🧵'.repeat(10_000)} oneLine />);
  const shown = container.querySelector('bdi');
  expect(Array.from(shown?.textContent ?? '')).toHaveLength(201);
  expect(shown?.textContent).toMatch(/^(🧵)+…$/u);
  expect(Array.from(shown?.title ?? '').length).toBeLessThanOrEqual(1_001);
});

test('half a character is not shown', () => {
  expect(shownName('a\ud83e').isWellFormed()).toBe(true);
});

test('nothing, or nothing that can be seen, is called so', () => {
  const { container } = render(<Name text={'\u200b\u202e '} />);
  expect(container).toHaveTextContent('without a name');
});
