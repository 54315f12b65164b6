import { screen, within } from '@testing-library/react';
import userEvent from '@testing-library/user-event';
import { beforeEach, describe, expect, test } from 'vitest';
import { expectAccessible } from '../../../tests/axe';
import { answerAsRecorded, play, recordedState, recording } from '../../../tests/recorded';
import { stage } from '../../../tests/stage';
import { setPresent } from '../../feed/store';
import type { FeedState } from '../../feed/types';
import Page from './Page';

function withStatus(change: Partial<NonNullable<FeedState['network']['status']>>): FeedState {
  const state = recordedState();
  const { status } = state.network;
  return { ...state, network: { ...state.network, status: status && { ...status, ...change } } };
}

describe('the network panel', () => {
  beforeEach(() => {
    play();
  });

  test('says in plain words how others reach this node, the exact ones a click deeper, without a finding of axe', async () => {
    answerAsRecorded();
    const { container } = stage(<Page />, { path: '/network' });
    expect(screen.getByText('Others reach you directly')).toBeVisible();
    expect(screen.getByText('NAT verdict')).not.toBeVisible();
    expect(screen.getByText('Your node is part of the table.')).toBeVisible();
    await expectAccessible(container);
  });

  test.each([
    ['unknown', 'Not known yet how others see you'],
    ['endpoint-independent', 'Others reach you directly, through your router'],
    ['symmetric', 'Some peers reach you only through a relay peer'],
    ['udp-blocked', 'Your network lets no UDP through'],
  ] as const)('the verdict %s', (nat, words) => {
    answerAsRecorded();
    setPresent(withStatus({ nat }));
    stage(<Page />, { path: '/network' });
    expect(screen.getByText(words)).toBeVisible();
  });

  test('relays tell which is home and which does not answer', () => {
    answerAsRecorded();
    stage(<Page />, { path: '/network' });
    const table = within(screen.getByRole('region', { name: 'Relay peers' }));
    expect(table.getAllByText('home: you are reached here')).toHaveLength(1);
    expect(table.getByText('does not answer, tried again later')).toBeVisible();
  });

  test('without relay and DHT it says what to do', () => {
    answerAsRecorded();
    const dht = recordedState().network.status?.dht;
    setPresent(withStatus({ relays: [], home_relay: null, ...(dht && { dht: { ...dht, state: 'alone' } }) }));
    stage(<Page />, { path: '/network' });
    expect(screen.getByText('No relay is known')).toBeVisible();
    expect(screen.getByRole('link', { name: 'Settings' })).toHaveAttribute('href', '/settings');
  });

  test('the timeline has its table: every change of the recording that is one', async () => {
    answerAsRecorded();
    const user = userEvent.setup();
    stage(<Page />, { path: '/network' });
    const card = within(screen.getByRole('heading', { name: 'Paths over time' }).closest('section') as HTMLElement);
    expect(card.getByRole('img', { name: /Paths of \d+ peers/ })).toBeVisible();
    await user.click(card.getByRole('radio', { name: 'Table' }));
    const changed = recording.records.filter((record) => record.kind === 'peer-path-changed');
    expect(changed.length).toBeGreaterThan(2);
    expect(card.getAllByText('through a relay peer').length).toBeGreaterThanOrEqual(changed.length);
  });

  test('a peer that cannot be reached says why', async () => {
    const problem = {
      status: 504,
      code: 'timed-out',
      error: 'it did not answer in 15 s',
      mend: 'ask for an invitation',
    };
    const asked = answerAsRecorded({ 'POST /api/v1/network/connect': { status: 504, body: problem } });
    const user = userEvent.setup();
    stage(<Page />, { path: '/network' });
    await user.type(screen.getByRole('textbox', { name: 'Peer key' }), ' somekey {Enter}');
    expect(await screen.findByRole('alert')).toHaveTextContent('It did not answer in 15 s. Ask for an invitation.');
    expect(asked.find((request) => request.method === 'POST')?.body).toEqual({ peer: 'somekey' });
  });
});
