import { screen, waitFor } from '@testing-library/react';
import userEvent from '@testing-library/user-event';
import { beforeEach, expect, test } from 'vitest';
import { expectAccessible } from '../../../../tests/axe';
import { answerAsRecorded, ledgerRecording, play, recordedState } from '../../../../tests/recorded';
import { stage } from '../../../../tests/stage';
import { setPresent } from '../../../feed/store';
import '../strings';
import { Faucet } from './Faucet';

const HASH = `0x${'7'.repeat(64)}`;
const gift = { account: '0x1', amount: '10000000000000000000', hash: HASH, peer: 'x' };

beforeEach(() => {
  play(recordedState(undefined, ledgerRecording));
});

test('who has next to nothing asks, and sees what comes', async () => {
  const asked = answerAsRecorded({ 'POST /api/v1/ledger/faucet': { status: 200, body: gift } }, ledgerRecording);
  const { container } = stage(<Faucet balance="21000000147000" />, { path: '/ledger' });
  await expectAccessible(container);
  await userEvent.click(screen.getByRole('button', { name: 'Ask for coins' }));
  await waitFor(() => expect(screen.getByRole('status')).toHaveTextContent('A peer says that it gave you 10 coins:'));
  expect(screen.getByRole('link')).toHaveAttribute('href', `/ledger/tx/${HASH}`);
  expect(screen.queryByRole('button')).toBeNull();
  expect(asked.map(({ body }) => body)).toEqual([{ wait: 0 }]);
  await expectAccessible(container);
});

test('a refusal says why, and when to ask again', async () => {
  const error = 'the faucet gave to this account, or to this node, not long ago';
  const body = { status: 429, code: 'too-soon', error, mend: 'ask again in 24 h' };
  answerAsRecorded({ 'POST /api/v1/ledger/faucet': { status: 429, body } }, ledgerRecording);
  stage(<Faucet balance="0" />, { path: '/ledger' });
  await userEvent.click(screen.getByRole('button', { name: 'Ask for coins' }));
  expect(await screen.findByRole('alert')).toHaveTextContent(
    'The faucet gave to this account, or to this node, not long ago. Ask again in 24 h.',
  );
  expect(screen.getByRole('button', { name: 'Ask for coins' })).toBeEnabled();
});

test('who has a coin, or no peer, is not offered it', () => {
  const { container, unmount } = stage(<Faucet balance="1000000000000000000" />, { path: '/ledger' });
  expect(container.textContent).toBe('');
  unmount();
  const state = recordedState(undefined, ledgerRecording);
  setPresent({ ...state, ledger: { ...state.ledger, peers: [] } });
  expect(stage(<Faucet balance="0" />, { path: '/ledger' }).container.textContent).toBe('');
});
