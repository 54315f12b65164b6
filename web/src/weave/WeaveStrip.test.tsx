import { render, screen } from '@testing-library/react';
import { expect, test } from 'vitest';
import { expectAccessible } from '../../tests/axe';
import { stage } from '../../tests/stage';
import type { Thread } from './thread';
import { WeaveStrip, type WeaveStripProps } from './WeaveStrip';

const threads: Record<string, Thread> = {
  anna: { index: 3, pattern: 0 },
  bo: { index: 3, pattern: 1 },
  jo: { index: 3, pattern: 2 },
};
const threadOf = (peer: string): Thread => threads[peer] ?? { index: 0, pattern: 0 };

const strip = (props: Partial<WeaveStripProps>) => (
  <WeaveStrip
    weave={undefined}
    progress={0.5}
    label="Progress of x"
    sentence="Half of it is here."
    threadOf={threadOf}
    {...props}
  />
);

/** How many marks are painted in a fill. */
function marks(container: HTMLElement, fill: string): number {
  const path = container.querySelector(`path[fill="${fill}"]`);
  return path?.getAttribute('d')?.match(/M/g)?.length ?? 0;
}

test('one mark a column in the hue of its giver, and a sentence for who does not see it', async () => {
  const weave = { givers: ['', 'anna'], cells: '0.11.1' };
  const { container } = stage(strip({ weave }));
  expect(marks(container, 'var(--t3)')).toBe(3);
  expect(marks(container, 'var(--mark)')).toBe(1);
  const bar = screen.getByRole('progressbar', { name: 'Progress of x' });
  expect(bar).toHaveAttribute('aria-valuenow', '50');
  expect(bar).toHaveAttribute('aria-valuetext', 'Half of it is here.');
  expect(bar).toHaveAttribute('data-cells', '0.11.1');
  await expectAccessible(container);
});

test('peers that share a hue are told apart by their pattern', () => {
  const { container } = stage(strip({ weave: { givers: ['', 'anna', 'bo', 'jo'], cells: '112233' } }));
  expect(container.querySelectorAll('path[fill="var(--t3)"]')).toHaveLength(3);
  expect(container.querySelectorAll('.cut')).toHaveLength(2);
});

test('what was woven since the last time fades in, and nothing else', () => {
  const givers = ['', 'anna'];
  const { container, rerender } = render(strip({ weave: { givers, cells: '....' } }));
  expect(container.querySelector('.fresh')).toBeNull();
  rerender(strip({ weave: { givers, cells: '.1.1' } }));
  expect(container.querySelector('.fresh')?.getAttribute('d')).toBe('M1 0h1v8h-1zM3 0h1v8h-1z');
});

test('without metadata it is a plain bar; progress out of bounds does not leave it', () => {
  const { container } = stage(strip({ progress: 7 }));
  expect(container.querySelector('.undyed')).toHaveAttribute('width', '1');
  expect(screen.getByRole('progressbar')).toHaveAttribute('aria-valuenow', '100');
});
