import { screen, waitFor, within } from '@testing-library/react';
import userEvent from '@testing-library/user-event';
import { beforeEach, expect, test } from 'vitest';
import { expectAccessible } from '../../../tests/axe';
import { answerAsRecorded, play, recordedState } from '../../../tests/recorded';
import { stage, withWidth } from '../../../tests/stage';
import { setPresent } from '../../feed/store';
import type { FeedState, ServiceStatus } from '../../feed/types';
import { ToastRegion } from '../../look/ToastRegion';
import { useToasts } from '../../look/toasts';
import Page from './Page';

beforeEach(() => {
  withWidth(640);
  useToasts.setState({ toasts: [] });
});

function withService(service: ServiceStatus): FeedState {
  const state = recordedState();
  const { status } = state.node;
  if (!status) throw new Error('no status was recorded');
  return { ...state, node: { ...state.node, status: { ...status, services: [...status.services, service] } } };
}

const clock: ServiceStatus = { name: 'clock', summary: 'tells the time', core: false, on: false, health: null };

test('the recorded node: every service, what it does, and no finding of axe', async () => {
  const state = play();
  answerAsRecorded();
  const { container } = stage(<Page />, { path: '/services' });
  const table = within(screen.getByRole('region', { name: 'Every service' }));
  expect(table.getAllByRole('rowheader')).toHaveLength(state.node.status?.services.length ?? -1);
  // The core is always on: there is nothing to switch.
  expect(table.queryByRole('switch')).toBeNull();
  await expectAccessible(container);
});

test('the hub has a table twin', async () => {
  const user = userEvent.setup();
  play();
  answerAsRecorded();
  stage(<Page />, { path: '/services' });
  const hub = within(screen.getByRole('region', { name: 'What this node does' }));
  await user.click(hub.getByRole('radio', { name: 'Table' }));
  expect(hub.getByRole('columnheader', { name: 'Works with' })).toBeInTheDocument();
  await user.click(hub.getByRole('radio', { name: 'Graph' }));
});

test('a service is switched on at the node', async () => {
  const user = userEvent.setup();
  setPresent(withService(clock));
  const asked = answerAsRecorded({ 'PUT /api/v1/services/clock': { status: 200, body: { ...clock, on: true } } });
  stage(<Page />, { path: '/services' });
  await user.click(screen.getByRole('switch', { name: 'On: Clock' }));
  await waitFor(() =>
    expect(asked).toContainEqual({ method: 'PUT', path: '/api/v1/services/clock', body: { on: true } }),
  );
});

test('a service that cannot be switched says why, and what mends it', async () => {
  const user = userEvent.setup();
  setPresent(withService(clock));
  const body = { status: 409, code: 'conflict', error: 'port 123 is taken', mend: 'stop the other clock' };
  answerAsRecorded({ 'PUT /api/v1/services/clock': { status: 409, body } });
  stage(
    <>
      <Page />
      <ToastRegion />
    </>,
    { path: '/services' },
  );
  await user.click(screen.getByRole('switch', { name: 'On: Clock' }));
  expect(await screen.findByText(/port 123 is taken.*stop the other clock/)).toBeVisible();
  expect(screen.getByRole('switch', { name: 'On: Clock' })).not.toBeChecked();
});

test('a service that is not as it should be tells why, by word and shape', async () => {
  setPresent(
    withService({ ...clock, on: true, health: { state: 'degraded', because: 'it is late', mend: 'wind it up' } }),
  );
  answerAsRecorded();
  const { container } = stage(<Page />, { path: '/services' });
  expect(screen.getByText('Clock: it is late')).toBeVisible();
  expect(screen.getByText('wind it up')).toBeVisible();
  expect(screen.getByRole('link', { name: 'Clock: not as it should' }).querySelector('rect.degraded')).not.toBeNull();
  await expectAccessible(container);
});

test('the past is not switched', () => {
  setPresent({ ...withService(clock), replay: { at_ms: 1 } });
  answerAsRecorded();
  stage(<Page />, { path: '/services' });
  expect(screen.getByRole('switch', { name: 'On: Clock' })).toBeDisabled();
});
