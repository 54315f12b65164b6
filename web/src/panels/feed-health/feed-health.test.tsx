import { screen } from '@testing-library/react';
import { describe, expect, test } from 'vitest';
import { expectAccessible } from '../../../tests/axe';
import { answerAsRecorded, play, recording } from '../../../tests/recorded';
import { stage } from '../../../tests/stage';
import type { FeedRecord } from '../../feed/types';
import { bySource, recordsPerSecond } from './measures';
import Page from './Page';

const record = (at_ms: number, source = 'files', kind = 'piece-batch'): FeedRecord => ({
  seq: 1,
  at_ms,
  source,
  kind,
  data: {},
});

describe('records a second', () => {
  test('are of the last ten seconds', () => {
    const recent = [record(1_000), record(80_000), record(92_000), record(99_000), record(100_000)];
    expect(recordsPerSecond(recent, 100_000)).toBeCloseTo(0.3);
  });

  test('are of what is kept, where that is less than ten seconds', () => {
    const recent = Array.from({ length: 1_000 }, (_, index) => record(98_000 + index * 2));
    expect(recordsPerSecond(recent, 100_000)).toBeCloseTo(500, -1);
  });

  test('of a silent feed are none', () => {
    expect(recordsPerSecond([record(1_000)], 100_000)).toBe(0);
    expect(recordsPerSecond([], 100_000)).toBe(0);
  });
});

test('sources are counted, with what they tell of most', () => {
  const recent = [record(1, 'node', 'sample'), record(2), record(3), record(4, 'files', 'warning')];
  expect(bySource(recent)).toEqual([
    { source: 'files', count: 3, share: 0.75, kind: 'piece-batch' },
    { source: 'node', count: 1, share: 0.25, kind: 'sample' },
  ]);
});

test('the panel shows the recorded feed, without a finding of axe', async () => {
  play();
  answerAsRecorded({
    'GET /api/v1/events/history': {
      status: 200,
      body: { now_ms: 100_000, head: 90, oldest: 11, oldest_at_ms: 40_000, snapshots: [{ seq: 11, at_ms: 40_000 }] },
    },
  });
  const { container } = stage(<Page />, { path: '/feed' });
  expect(await screen.findByText('can be shown again')).toBeVisible();
  expect(screen.getByText('1 min')).toBeVisible();
  expect(screen.getByText('80')).toBeVisible();
  for (const source of new Set(recording.records.map(({ source }) => source))) {
    expect(screen.getByRole('rowheader', { name: source })).toBeInTheDocument();
  }
  await expectAccessible(container);
});
