import { screen } from '@testing-library/react';
import userEvent from '@testing-library/user-event';
import { describe, expect, test } from 'vitest';
import { expectAccessible } from '../../tests/axe';
import { stage } from '../../tests/stage';
import { AvailabilityHistogram } from './AvailabilityHistogram';
import { clothOf, type WeaveMap } from './cloth';
import { mapOf } from './mapOf';
import { byHolders, rarest } from './rarest';

const map = (have: number[], availability: number[]): WeaveMap => ({
  ...mapOf(1, have.length * 2, have.length, 0),
  giver: have.map((percent) => (percent > 0 ? 0 : -1)),
  have,
  reading: [],
  availability,
});

const histogram = (have: number[], availability: number[]) => (
  <AvailabilityHistogram map={map(have, availability)} label="Availability" />
);

describe('the rarest', () => {
  test('is looked for in what is missing, while something is', async () => {
    const { container } = stage(histogram([100, 0, 0, 0, 0], [1, 3, 2, 2, 5]));
    const sentence = 'Rarest of what is missing: pieces 4–7, held by 2 peers.';
    expect(screen.getByText(sentence)).toBeInTheDocument();
    expect(screen.getByRole('img', { name: `Availability. ${sentence}` })).toBeInTheDocument();
    expect(container.querySelector('.rarest')?.getAttribute('d')?.match(/M/g)).toHaveLength(2);
    await expectAccessible(container);
  });

  test('that nobody has is said plainly', () => {
    const { container } = stage(histogram([0, 0, 100, 0], [0, 1, 1, 0]));
    expect(container).toHaveTextContent('No connected peer has pieces 0–1 and 1 stretch more.');
    expect(container.querySelector('.none')?.getAttribute('d')).not.toBe('');
  });

  test('of a complete torrent is what others could lose', () => {
    const { container } = stage(histogram([100, 100], [0, 2]));
    expect(container).toHaveTextContent('Among those connected, you alone have pieces 0–1.');
  });

  test('stands out only where something is less rare', () => {
    const { container } = stage(histogram([0, 0, 0], [2, 2, 2]));
    expect(container).toHaveTextContent('Rarest of what is missing: all of it, held by 2 peers.');
    expect(container.querySelector('.rarest')).toHaveAttribute('d', '');
  });

  test('is found by exhaustive search', () => {
    for (let seed = 0; seed < 20; seed++) {
      const cloth = clothOf(mapOf(seed, 700, 60, 6));
      const found = rarest(cloth);
      const lacking = cloth.have.flatMap((have, column) => (have < 100 ? [column] : []));
      expect(found.missing).toBe(lacking.length > 0);
      for (const column of lacking) {
        const here = cloth.availability[column] ?? 0;
        expect(here).toBeGreaterThanOrEqual(found.holders);
        expect(found.columns.includes(column)).toBe(here === found.holders);
      }
      expect(byHolders(cloth).reduce((sum, { pieces }) => sum + pieces, 0)).toBe(700);
    }
  });
});

test('the table counts the pieces by how many have them', async () => {
  const user = userEvent.setup();
  stage(histogram([100, 0, 50, 0], [3, 1, 1, 2]));
  await user.click(screen.getByRole('radio', { name: 'Table' }));
  const rows = screen.getAllByRole('row').map((row) => row.textContent);
  expect(rows.slice(1)).toEqual(['143', '222', '320']);
  await user.click(screen.getByRole('radio', { name: 'Graph' }));
});
