import { screen, within } from '@testing-library/react';
import userEvent from '@testing-library/user-event';
import { beforeEach, expect, test, vi } from 'vitest';
import { expectAccessible } from '../../tests/axe';
import { recording } from '../../tests/recorded';
import { stage, withWidth } from '../../tests/stage';
import type { WeaveMap } from './cloth';
import { mapOf } from './mapOf';
import { SegmentMatrix } from './SegmentMatrix';
import type { Thread } from './thread';

// This DOM paints nothing; what is painted has tests of its own.
beforeEach(() => {
  vi.spyOn(HTMLCanvasElement.prototype, 'getContext').mockReturnValue(null);
});

const threadOf = (peer: string): Thread => ({ index: peer.length % 8, pattern: 0 });

const map: WeaveMap = {
  pieces: 12,
  columns: 4,
  pieces_done: 5,
  givers: [
    { peer: '', pieces: 0 },
    { peer: 'anna', pieces: 5 },
  ],
  giver: [1, 1, -1, -1],
  have: [100, 66, 0, 0],
  reading: [2],
  availability: [2, 2, 1, 0],
  rows: [{ peer: 'anna', seed: false, have: [100, 100, 100, 0], reading: [2] }],
};

const matrix = (shown: WeaveMap, onColumns?: (columns: number) => void) => (
  <SegmentMatrix
    map={shown}
    label="Woven"
    threadOf={threadOf}
    nameOf={(peer) => peer}
    {...(onColumns && { onColumns })}
  />
);

test('arrow keys go from cell to cell and each is told', async () => {
  withWidth(320);
  const user = userEvent.setup();
  const { container } = stage(matrix(map));
  await expectAccessible(container);
  const field = screen.getByRole('application', { name: 'Woven' });
  expect(field).toHaveAttribute('data-columns', '4');
  const says = container.querySelector('[aria-live]');
  await user.tab();
  expect(field).toHaveFocus();
  expect(says).toHaveTextContent('Pieces 0–2: given by anna; each held by at least 2 peers.');
  await user.keyboard('{ArrowRight}');
  expect(says).toHaveTextContent('Pieces 3–5: 66 % here, most of it given by anna; each held by at least 2 peers.');
  await user.keyboard('{ArrowRight}');
  expect(says).toHaveTextContent('Pieces 6–8: missing; being read now; each held by at least 1 peer.');
  await user.keyboard('{ArrowDown}');
  expect(says).toHaveTextContent('Pieces 6–8: anna has them all; is being asked for it now.');
  await user.keyboard('{End}{ArrowRight}{ArrowUp}{ArrowUp}');
  expect(says).toHaveTextContent('Pieces 9–11: missing; of some, no connected peer has a copy.');
  await user.keyboard('{Escape}');
  expect(says).toHaveTextContent('Point at a cell');
});

test('the table lists the same stretches, giver by giver', async () => {
  const user = userEvent.setup();
  const { container } = stage(matrix({ ...map }));
  await user.click(screen.getByRole('radio', { name: 'Table' }));
  const givers = [...container.querySelectorAll('[data-giver]')].map((row) => [
    row.getAttribute('data-first'),
    row.getAttribute('data-last'),
    row.getAttribute('data-giver'),
  ]);
  expect(givers).toEqual([
    ['0', '1', 'anna'],
    ['2', '2', 'none'],
    ['3', '3', 'none'],
  ]);
  const peers = screen.getByRole('group', { name: 'Peers' });
  expect(within(peers).getByRole('row', { name: /anna 75 % 5 yes/ })).toBeInTheDocument();
  await expectAccessible(container);
  await user.click(screen.getByRole('radio', { name: 'Graph' }));
});

test('it asks for as many columns as there is room for, and gathers what is more than can be seen', () => {
  withWidth(800);
  const onColumns = vi.fn();
  stage(matrix(mapOf(3, 9_000, 2_048, 32), onColumns));
  expect(onColumns).toHaveBeenCalledExactlyOnceWith(100);
  expect(screen.getByRole('application')).toHaveAttribute('data-columns', '266');
});

test('a recorded map is drawn with every giver in the legend', async () => {
  withWidth(1_100);
  const [, answer] = Object.entries(recording.answers).find(([asked]) => asked.endsWith('/map')) ?? [];
  const recorded = answer?.body as WeaveMap;
  const { container } = stage(matrix(recorded));
  const named = [...container.querySelectorAll('[data-peer]')].map((item) => item.getAttribute('data-peer'));
  for (const { peer, pieces } of recorded.givers) if (pieces > 0) expect(named).toContain(peer);
  for (const { peer } of recorded.rows) expect(named).toContain(peer);
  await expectAccessible(container);
});

test('names from strangers stay text', () => {
  const evil = '<img src=x onerror=alert(1)>';
  const { container } = stage(
    matrix({
      ...map,
      givers: [
        { peer: '', pieces: 0 },
        { peer: evil, pieces: 5 },
      ],
      rows: [],
    }),
  );
  expect(container.querySelector('img')).toBeNull();
  expect(container.querySelector('[data-peer]')).toHaveTextContent(evil);
});

test('it speaks German too', async () => {
  const user = userEvent.setup();
  const { container } = stage(matrix(map), { language: 'de' });
  await user.tab();
  expect(container.querySelector('[aria-live]')).toHaveTextContent(
    'Stücke 0–2: von anna; jedes bei mindestens 2 Peers.',
  );
});
