import { act, screen, within } from '@testing-library/react';
import userEvent from '@testing-library/user-event';
import { beforeEach, expect, test } from 'vitest';
import { expectAccessible } from '../../../tests/axe';
import { answerAsRecorded, play, recordedState } from '../../../tests/recorded';
import { stage, withWidth } from '../../../tests/stage';
import { setPresent } from '../../feed/store';
import { emptyState } from '../../feed/types';
import Page from './Page';

beforeEach(() => {
  withWidth(640);
  answerAsRecorded();
});

const card = (name: string) => within(screen.getByRole('region', { name }));

test('a recorded lab: connections, transfers, services and figures, without a finding of axe', async () => {
  const state = play();
  const { container } = stage(<Page />);
  await screen.findByText('one server would have sent');
  for (const { name } of state.files.torrents.values()) {
    expect(card('Transfers').getByRole('link', { name })).toBeInTheDocument();
  }
  expect(card('What this node does').getByRole('link', { name: /^Files: / })).toHaveAttribute('href', '/files');
  const { sample } = state.node;
  expect(sample).not.toBeNull();
  expect(card('What idling costs').queryByText('–')).toBeNull();
  expect(card('Traffic by service').getByRole('rowheader', { name: 'Files' })).toBeInTheDocument();
  await expectAccessible(container);
});

test('the map has a table twin with the same peers', async () => {
  const user = userEvent.setup();
  const state = play();
  stage(<Page />);
  const map = card('Who you are connected to');
  await user.click(map.getByRole('radio', { name: 'Table' }));
  const table = map.getByRole('table');
  for (const { petname } of state.people.contacts) {
    expect(within(table).getByRole('rowheader', { name: petname })).toBeInTheDocument();
  }
  await user.click(map.getByRole('radio', { name: 'Graph' }));
});

test('a node that has nothing yet says what to do next', async () => {
  setPresent({ ...emptyState, connection: 'live' });
  const { container } = stage(<Page />);
  expect(card('Who you are connected to').getByRole('link', { name: 'Invite somebody' })).toHaveAttribute(
    'href',
    '/peers',
  );
  expect(card('Transfers').getByText(/Paste a link somebody gave you/)).toBeVisible();
  await expectAccessible(container);
});

test('trouble is told with why, what mends it, and the way there', () => {
  const state = recordedState(40);
  const [first] = state.files.torrents.values();
  if (!first) return expect.fail('no torrent was recorded');
  const trouble = { kind: 'disk-full' as const, message: 'the disk is full', mend: 'free 2 GB' };
  setPresent(state);
  stage(<Page />);
  expect(screen.queryByRole('region', { name: 'What to do' })).toBeNull();
  const torrents = new Map(state.files.torrents).set(first.info_hash, { ...first, state: 'error', trouble });
  act(() => setPresent({ ...state, files: { ...state.files, torrents } }));
  const told = card('What to do');
  expect(told.getByText('the disk is full')).toBeVisible();
  expect(told.getByText('free 2 GB')).toBeVisible();
  expect(told.getByRole('link')).toHaveAttribute('href', `/files/${first.info_hash}`);
});

test('a hostile name is text, and keeps its direction to itself', () => {
  const state = recordedState(40);
  const [first] = state.files.torrents.values();
  if (!first) return expect.fail('no torrent was recorded');
  const name = '<img src=x onerror=alert(1)>\u202Egpj.exe';
  setPresent({ ...state, files: { ...state.files, torrents: new Map([[first.info_hash, { ...first, name }]]) } });
  const { container } = stage(<Page />);
  expect(container.querySelector('img')).toBeNull();
  expect(container.textContent).not.toContain('\u202E');
  expect(screen.getByText('<img src=x onerror=alert(1)>gpj.exe', { selector: 'bdi' })).toBeInTheDocument();
});
