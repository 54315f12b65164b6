import { screen, waitFor, within } from '@testing-library/react';
import userEvent from '@testing-library/user-event';
import { beforeEach, describe, expect, test } from 'vitest';
import { expectAccessible } from '../../../tests/axe';
import { answerAsRecorded, ledgerRecording, play, recordedState, type Asked } from '../../../tests/recorded';
import { stage, withWidth } from '../../../tests/stage';
import { i18next } from '../../app/i18n';
import { setPresent } from '../../feed/store';
import type { BlockDetail } from './requests';
import Page from './Page';

const { answers, records } = ledgerRecording;

function answered(more: Parameters<typeof answerAsRecorded>[0] = {}): Asked[] {
  return answerAsRecorded(
    { 'GET /api/v1/ledger/blocks?limit=96': answers['GET /api/v1/ledger/blocks'] as never, ...more },
    ledgerRecording,
  );
}

const details = Object.entries(answers).flatMap(([question, { body }]) =>
  /\/ledger\/blocks\/\d+$/.test(question) ? [body as BlockDetail] : [],
);
const head = Math.max(...details.map(({ height }) => height));
const transactions = details.flatMap(({ list }) => list);
const anchored = transactions.find(({ logs, to }) => logs.length > 0 && to?.startsWith('0x5431'));
const paid = transactions.find(({ value, data_bytes }) => value === '2250000000000000000' && data_bytes === 0);
if (!anchored?.to || !paid) throw new Error('the recording has neither an anchored hash nor coins that were sent');
const contract = anchored.to;

const ANCHORS = [
  {
    type: 'function',
    name: 'anchor',
    stateMutability: 'nonpayable',
    inputs: [{ name: 'hash', type: 'bytes32' }],
    outputs: [],
  },
];

function card(name: string | RegExp) {
  return within(screen.getByRole('heading', { name }).closest('section') as HTMLElement);
}

function none() {
  const state = recordedState(undefined, ledgerRecording);
  setPresent({ ...state, ledger: { ...state.ledger, chain: null, validators: [], blocks: [] } });
}

describe('the ledger, on no chain', () => {
  beforeEach(none);

  test('says what one is for, and one click makes one', async () => {
    const asked = answered({ 'POST /api/v1/ledger/init': { status: 200, body: {} } });
    const { container } = stage(<Page />, { path: '/ledger' });
    expect(screen.getByText(/A ledger is a record that several people keep together/)).toBeVisible();
    expect(await screen.findByRole('button', { name: 'Copy candidate line' })).toBeVisible();
    await expectAccessible(container);
    await userEvent.click(screen.getByRole('button', { name: 'Make the chain' }));
    await waitFor(() => expect(asked.find(({ method }) => method === 'POST')?.body).toEqual({ block_time_ms: 250 }));
  });

  test('other validators, closed, with an id of one’s own', async () => {
    const asked = answered({ 'POST /api/v1/ledger/init': { status: 200, body: {} } });
    const user = userEvent.setup();
    stage(<Page />, { path: '/ledger' });
    await user.click(screen.getByText('More choices'));
    await user.click(screen.getByRole('textbox', { name: 'Other first validators' }));
    await user.paste('weft:validator/AbC-_1=50\n\n weft:validator/xyz ');
    await user.type(screen.getByRole('textbox', { name: 'Chain id' }), '4711');
    await user.click(screen.getByRole('checkbox', { name: /^Closed/ }));
    await user.click(screen.getByRole('button', { name: 'Make the chain' }));
    await waitFor(() => expect(asked.some(({ method }) => method === 'POST')).toBe(true));
    expect(asked.find(({ method }) => method === 'POST')?.body).toEqual({
      chain_id: 4711,
      closed: true,
      block_time_ms: 250,
      validators: [{ candidate: 'weft:validator/AbC-_1', power: 50 }, { candidate: 'weft:validator/xyz' }],
    });
    await user.type(screen.getByRole('textbox', { name: 'Other first validators' }), '\nnonsense');
    expect(await screen.findByText(/^Line 4 is no candidate line/)).toBeVisible();
    expect(screen.getByRole('button', { name: 'Make the chain' })).toBeDisabled();
  });

  test('a chain is joined at a snapshot if that is wanted', async () => {
    const asked = answered({ 'POST /api/v1/ledger/join': { status: 200, body: {} } });
    const user = userEvent.setup();
    stage(<Page />, { path: '/ledger' });
    await user.type(screen.getByRole('textbox', { name: 'Ticket' }), 'weft:ledger/x');
    await user.click(screen.getByRole('checkbox', { name: /^Begin at a snapshot/ }));
    await user.click(screen.getByRole('button', { name: 'Join' }));
    await waitFor(() => expect(asked.some(({ method }) => method === 'POST')).toBe(true));
    expect(asked.find(({ method }) => method === 'POST')?.body).toEqual({ ticket: 'weft:ledger/x', snapshot: true });
  });

  test('the way onto a chain is shown, also to who opens the page meanwhile, and can be given up', async () => {
    const entering = { step: 'headers', done: 1280, of: 5120 };
    const asked = answered({
      'GET /api/v1/ledger/status': { status: 200, body: { account: '0x1', chain: null, entering } },
      'POST /api/v1/ledger/leave': { status: 200, body: { folder: null } },
    });
    const user = userEvent.setup();
    const { container } = stage(<Page />, { path: '/ledger' });
    expect(await screen.findByText('Signatures checked of 1,280 of 5,120 blocks')).toBeVisible();
    expect(screen.getByRole('meter', { name: 'On the way onto a chain' })).toHaveAttribute('aria-valuenow', '25');
    expect(screen.queryByRole('button', { name: 'Join' })).toBeNull();
    await expectAccessible(container);
    await user.click(screen.getByRole('button', { name: 'Stop' }));
    await waitFor(() => expect(asked.some(({ path }) => path === '/api/v1/ledger/leave')).toBe(true));
  });

  test('a ticket that leads nowhere says why', async () => {
    const problem = { status: 502, code: 'not-entered', error: 'no peer gave the genesis', mend: 'see that one is up' };
    answered({ 'POST /api/v1/ledger/join': { status: 502, body: problem } });
    const user = userEvent.setup();
    stage(<Page />, { path: '/ledger' });
    const ticket = screen.getByRole('textbox', { name: 'Ticket' });
    await user.type(ticket, 'weft:validator/x');
    expect(await screen.findByText(/^This is no ticket/)).toBeVisible();
    await user.clear(ticket);
    await user.type(ticket, 'weft:ledger/x');
    await user.click(screen.getByRole('button', { name: 'Join' }));
    expect(await screen.findByRole('alert')).toHaveTextContent('No peer gave the genesis. See that one is up.');
  });
});

describe('the ledger, on a chain', () => {
  beforeEach(() => {
    play(recordedState(undefined, ledgerRecording));
    withWidth(900);
  });

  test('says how it is, without a finding of axe', async () => {
    answered();
    const { container } = stage(<Page />, { path: '/ledger' });
    expect(await screen.findByText(new RegExp(`^Block ${head} has been final for`))).toBeVisible();
    expect(screen.getByText(/This node is a validator/)).toBeVisible();
    const blocks = within(await screen.findByRole('list', { name: 'The last blocks, newest first' }));
    expect(blocks.getAllByRole('link')[0]).toHaveAttribute('href', `/ledger/block/${head}`);
    expect(await card('Last transactions').findAllByText('2.25 coins')).toHaveLength(1);
    expect(
      await card('How the chain is').findByText(/checked in this browser: \d of 3 signatures, \d+ % of the power/),
    ).toBeVisible();
    expect(await card('Pool').findByText('Nothing waits.')).toBeVisible();
    expect(card('Evidence').getByText('Nobody contradicted themselves.')).toBeVisible();
    await expectAccessible(container);
  });

  test('in German every word is there', async () => {
    answered();
    const { container } = stage(<Page />, { path: '/ledger', language: 'de' });
    expect(
      await screen.findByText(/^Block .* ist seit .* endgültig\. Dieser Knoten ist ein Validator\./),
    ).toBeVisible();
    expect(container.textContent).not.toMatch(/\{\{|undefined|NaN|(?:now|ring|way|check|send)\.[a-z]/);
    await i18next.changeLanguage('en');
  });

  test('the ring has its table, and tells who left', async () => {
    answered();
    const user = userEvent.setup();
    stage(<Page />, { path: '/ledger' });
    const ring = card('Validators');
    expect(await ring.findByRole('img', { name: /^3 validators; \d of them with \d+ % of the power/ })).toBeVisible();
    const changes = within(ring.getByRole('list', { name: 'Who joined and left' }));
    expect(changes.getByText(/from block 321 on: 0x\w+…\w+ left\.$/)).toBeVisible();
    expect(changes.getByText(/from block 319 on: 0x\w+…\w+ has 125 now\.$/)).toBeVisible();
    await user.click(ring.getByRole('radio', { name: 'Table' }));
    const rows = within(ring.getByRole('table')).getAllByRole('row');
    expect(rows).toHaveLength(4);
    expect(within(ring.getByRole('table')).getByRole('row', { name: /this node 125/ })).toBeVisible();
  });

  test('blocks are held while somebody looks, and go on then', async () => {
    answered();
    play(recordedState(records.length - 4, ledgerRecording));
    const user = userEvent.setup();
    stage(<Page />, { path: '/ledger' });
    const list = await screen.findByRole('list', { name: 'The last blocks, newest first' });
    const first = () => within(list).getAllByRole('link')[0]?.getAttribute('href');
    const before = first();
    await user.hover(list);
    play(recordedState(undefined, ledgerRecording));
    expect(await screen.findByText(/^held while you look · \d newer blocks?$/)).toBeVisible();
    expect(first()).toBe(before);
    await user.unhover(list);
    await waitFor(() => expect(first()).toBe(`/ledger/block/${head}`));
  });

  test('coins are asked about before they go, and followed until they are final', async () => {
    const pending = { ...paid, stage: 'pending', height: null, verified_by: [] };
    let final = false;
    const asked = answered({
      'POST /api/v1/ledger/send': { status: 200, body: pending },
      [`GET /api/v1/ledger/transactions/${paid.hash}`]: {
        status: 200,
        get body() {
          return final ? paid : pending;
        },
      },
    });
    const user = userEvent.setup();
    stage(<Page />, { path: '/ledger' });
    const send = card('Send');
    await user.type(send.getByRole('textbox', { name: 'To' }), '0x123');
    expect(send.getByText('An account is 0x and 40 hexadecimal digits.')).toBeVisible();
    await user.clear(send.getByRole('textbox', { name: 'To' }));
    await user.type(send.getByRole('textbox', { name: 'To' }), paid.to ?? '');
    await user.type(send.getByRole('textbox', { name: 'Amount in coins' }), '2,25');
    await user.click(send.getByRole('button', { name: 'Send' }));
    const dialog = within(screen.getByRole('alertdialog'));
    expect(dialog.getByText('2.25 coins go from your account to')).toBeVisible();
    expect(dialog.getByText(paid.to ?? '')).toBeVisible();
    expect(asked.some(({ path }) => path.endsWith('/send'))).toBe(false);
    await user.click(dialog.getByRole('button', { name: 'Send' }));
    expect(await send.findByText('pending: the next proposer can take it')).toBeVisible();
    expect(asked.find(({ path }) => path.endsWith('/send'))?.body).toEqual({
      to: paid.to,
      value: '2250000000000000000',
      wait: 0,
    });
    final = true;
    expect(await send.findByText('it stays for good')).toBeVisible();
  });

  test('trouble is told in the node’s words, and catching up shows how far', async () => {
    answered();
    const state = recordedState(undefined, ledgerRecording);
    const { status } = state.node;
    const health = { state: 'degraded' as const, because: 'no block since 90 s', mend: 'validators must be up' };
    const services = status?.services.map((one) => (one.name === 'ledger' ? { ...one, health } : one)) ?? [];
    const chain = state.ledger.chain && { ...state.ledger.chain, sync_from: head - 50, sync_to: head + 50 };
    setPresent({
      ...state,
      node: { ...state.node, status: status && { ...status, services } },
      ledger: { ...state.ledger, chain },
    });
    stage(<Page />, { path: '/ledger' });
    expect(screen.getByText('no block since 90 s')).toBeVisible();
    expect(screen.getByText('validators must be up')).toBeVisible();
    expect(await screen.findByRole('meter', { name: 'Catching up' })).toHaveAttribute('aria-valuenow', '50');
  });
});

describe('the pages of the ledger', () => {
  beforeEach(() => {
    play(recordedState(undefined, ledgerRecording));
  });

  test('a block is checked in the browser', async () => {
    answered();
    const { container } = stage(<Page />, { path: `/ledger/block/${head}` });
    expect(await screen.findByText(/^It holds: \d of 3 signatures, \d+ % of the power\.$/)).toBeVisible();
    expect(screen.getByText('The fields shown are those that the block’s hash is of.')).toBeVisible();
    await expectAccessible(container);
  });

  test('a block that is not what was signed is told so', async () => {
    const body = details.find(({ height }) => height === head);
    answered({ [`GET /api/v1/ledger/blocks/${head}`]: { status: 200, body: { ...body, gas_used: 5 } } });
    stage(<Page />, { path: `/ledger/block/${head}` });
    expect(await screen.findByText('It does not hold. The gas shown is not the one in the header.')).toBeVisible();
  });

  test('a transaction’s way, with who verified it', async () => {
    answered();
    const { container } = stage(<Page />, { path: `/ledger/tx/${paid.hash}` });
    const way = within(await screen.findByRole('list', { name: 'How far the transaction is' }));
    expect(way.getAllByRole('listitem')).toHaveLength(5);
    expect(way.getByText('it stays for good')).toBeVisible();
    expect(await way.findByText('by')).toBeVisible();
    await expectAccessible(container);
  });

  test('a transaction that was dropped says why', async () => {
    const problem = { status: 404, code: 'not-found', error: '0x1 was dropped: its nonce is used', mend: '' };
    const hash = `0x${'1'.repeat(64)}`;
    answered({ [`GET /api/v1/ledger/transactions/${hash}`]: { status: 404, body: problem } });
    stage(<Page />, { path: `/ledger/tx/${hash}` });
    expect(await screen.findByRole('alert')).toHaveTextContent('0x1 was dropped: its nonce is used.');
  });

  test('a contract’s calls are read once its ABI is given, by which it is known again', async () => {
    answered();
    const user = userEvent.setup();
    const { container, unmount } = stage(<Page />, { path: `/ledger/account/${contract}` });
    const abi = await screen.findByRole('textbox', { name: 'ABI' });
    await user.click(abi);
    await user.paste('{"abi": 5}');
    await user.click(screen.getByRole('button', { name: 'Use it' }));
    expect(await screen.findByText(/^This is no ABI/)).toBeVisible();
    await user.clear(abi);
    await user.paste(JSON.stringify({ abi: ANCHORS }));
    await user.click(screen.getByRole('button', { name: 'Use it' }));
    expect(await screen.findByText(/^This browser knows 1 functions and 0 events of it/)).toBeVisible();
    await expectAccessible(container);
    unmount();
    stage(<Page />, { path: `/ledger/tx/${anchored.hash}` });
    expect(await screen.findByText('anchor')).toBeVisible();
    expect(screen.getByText('bytes32')).toBeVisible();
  });

  test('what strangers named stays where it is', async () => {
    const hostile = '<img src=x onerror=alert(1)>\u202Egnp.exe'.padEnd(20_000, 'x');
    const [item] = ANCHORS;
    const named = { ...item, inputs: [{ name: hostile, type: 'bytes32' }] };
    localStorage.setItem(`weft.ledger.abi.${contract.toLowerCase()}`, JSON.stringify([named]));
    const body = { ...anchored, reason: hostile };
    answered({ [`GET /api/v1/ledger/transactions/${anchored.hash}`]: { status: 200, body } });
    const { container } = stage(<Page />, { path: `/ledger/tx/${anchored.hash}` });
    expect(await screen.findByText('anchor')).toBeVisible();
    expect(container.querySelector('img')).toBeNull();
    expect(container.textContent).not.toContain('\u202E');
    expect(container.textContent.length).toBeLessThan(6_000);
  });

  test('one box finds heights, accounts and hashes', async () => {
    answered();
    const user = userEvent.setup();
    stage(<Page />, { path: '/ledger/block/0' });
    const box = () => screen.getByRole('textbox', { name: 'Height, hash or account' });
    await user.type(box(), 'what is this{Enter}');
    expect(screen.getByText(/^This is no height, no hash/)).toBeVisible();
    await user.clear(box());
    await user.type(box(), `${contract}{Enter}`);
    await waitFor(() => expect(location.pathname).toBe(`/ledger/account/${contract}`));
    await user.type(box(), `${head}{Enter}`);
    await waitFor(() => expect(location.pathname).toBe(`/ledger/block/${head}`));
    await user.type(box(), `${paid.hash}{Enter}`);
    await waitFor(() => expect(location.pathname).toBe(`/ledger/tx/${paid.hash}`));
  });
});
