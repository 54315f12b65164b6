import { screen } from '@testing-library/react';
import userEvent from '@testing-library/user-event';
import { expect, test } from 'vitest';
import { expectAccessible } from '../../tests/axe';
import { stage, withWidth } from '../../tests/stage';
import type { MapPeer } from './graph';
import type { HubService } from './hub';
import { arrangeHub } from './hub';
import { HubGraph } from './HubGraph';
import { Topology } from './Topology';

function peers(count: number): MapPeer[] {
  return Array.from({ length: count }, (_, index) => ({
    id: `p${index}`,
    name: `peer ${index}`,
    route: index % 5 === 4 ? 'offline' : 'direct',
    note: '14 ms',
    rate_in: 10_000,
    rate_out: 0,
    colour: `var(--t${index % 8})`,
    pattern: 0,
    to: `/peers/p${index}`,
  }));
}

const map = (count: number) => (
  <Topology connections={{ peers: peers(count), relays: [] }} label="Map" hint="Arrow keys" self="you" />
);

test('the map is one stop for the tab key; arrows go around it, Enter opens a peer', async () => {
  withWidth(680);
  const user = userEvent.setup();
  const { container } = stage(map(5));
  await expectAccessible(container);
  await user.tab();
  const first = document.activeElement;
  expect(first).toHaveAccessibleName(/^peer 0, 14 ms/);
  const visited = new Set<string | null>();
  for (let step = 0; step < 5; step++) {
    await user.keyboard('{ArrowRight}');
    visited.add(document.activeElement?.getAttribute('href') ?? null);
  }
  expect(visited.size).toBe(5);
  expect(document.activeElement).toHaveAccessibleName(/^peer 0/);
  await user.keyboard('{ArrowLeft}{Enter}');
  expect(location.pathname).toMatch(/^\/peers\/p[1-4]$/);
});

test('who is offline is hollow, and has no line', () => {
  withWidth(680);
  const { container } = stage(map(5));
  expect(container.querySelectorAll('circle.away')).toHaveLength(1);
  expect(container.querySelectorAll('path.line')).toHaveLength(4);
});

test('beyond 300 peers the map is painted, with the same keys', async () => {
  withWidth(680);
  const user = userEvent.setup();
  const { container } = stage(map(301));
  expect(container.querySelector('svg')).toBeNull();
  expect(container.querySelectorAll('canvas')).toHaveLength(2);
  await user.tab();
  const before = document.activeElement?.getAttribute('href');
  await user.keyboard('{ArrowRight}');
  expect(document.activeElement?.getAttribute('href')).not.toBe(before);
});

const services: HubService[] = [
  { id: 'files', name: 'Files', doing: 'busy', note: '48 MB/s', thread: 0, to: '/files', partners: [{ id: 'a', name: 'anna', colour: 'var(--t1)' }, { id: 'b', name: 'bo', colour: 'var(--t2)' }] }, // prettier-ignore
  { id: 'people', name: 'People', doing: 'idle', note: 'idle', thread: 2, to: '/peers', partners: [{ id: 'a', name: 'anna', colour: 'var(--t1)' }] }, // prettier-ignore
  { id: 'ledger', name: 'Ledger', doing: 'off', note: 'off', thread: 6, to: '/services', partners: [] },
  { id: 'talk', name: 'Talk', doing: 'degraded', note: 'not as it should', thread: 3, to: '/services', partners: [] },
];

test('each service of the hub is a link that says what it does; shapes tell it too', async () => {
  withWidth(600);
  const user = userEvent.setup();
  const { container } = stage(<HubGraph services={services} label="Services" self="you" partners />);
  await expectAccessible(container);
  expect(screen.getByRole('link', { name: 'Files: 48 MB/s' })).toBeInTheDocument();
  expect(container.querySelectorAll('.busy, .idle, .off, .degraded')).toHaveLength(4);
  expect(container.querySelector('rect.degraded')).not.toBeNull();
  await user.tab();
  expect(document.activeElement).toHaveAttribute('href', '/files');
  await user.click(screen.getByRole('link', { name: 'People: idle' }));
  expect(location.pathname).toBe('/peers');
});

test('a partner of two services stands once, with a line to each', () => {
  const hub = arrangeHub(services, 600, 420, true);
  expect(hub.partners.map(({ id, services }) => [id, services.length])).toEqual(
    expect.arrayContaining([
      ['a', 2],
      ['b', 1],
    ]),
  );
  expect(hub.partners).toHaveLength(2);
});
