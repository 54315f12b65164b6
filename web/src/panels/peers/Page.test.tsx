import { screen, waitFor, within } from '@testing-library/react';
import userEvent from '@testing-library/user-event';
import { beforeEach, describe, expect, test } from 'vitest';
import { expectAccessible } from '../../../tests/axe';
import { answerAsRecorded, play, recordedState, recording } from '../../../tests/recorded';
import { stage } from '../../../tests/stage';
import { setPresent } from '../../feed/store';
import type { ContactView } from '../../feed/types';
import Page from './Page';

const contacts = recording.answers['GET /api/v1/people/contacts']?.body as ContactView[];
const anna = contacts.find((contact) => contact.petname === 'anna') as ContactView;
const who = `/api/v1/people/contacts/${anna.user_key}`;
const link = 'weft:abcd';
const invitation = {
  link,
  qr: 'WEFT:ABCD',
  user_key: 'b'.repeat(52),
  devices: [{ device_key: 'c'.repeat(52), name: 'tablet', certified: 1 }],
  reach: { device_key: 'c'.repeat(52), udp: [], tcp: [], relays: [] },
  network: 'lab',
  petname: 'cedar',
};

function rowOf(name: string) {
  return within(screen.getByRole('row', { name: new RegExp(name) }));
}

async function choose(user: ReturnType<typeof userEvent.setup>, name: string, action: string) {
  await user.click(rowOf(name).getByRole('button', { name: `Actions for ${name}` }));
  await user.click(await screen.findByRole('menuitem', { name: action }));
}

describe('the peers panel', () => {
  beforeEach(() => {
    play();
  });

  test('tells who is known and what went both ways, without a finding of axe', async () => {
    answerAsRecorded();
    const { container } = stage(<Page />, { path: '/peers' });
    for (const contact of contacts) expect(rowOf(contact.petname).getByText(/direct|relay|offline/)).toBeVisible();
    expect(rowOf('workshop').getByText('46.1 MB')).toBeVisible();
    await expectAccessible(container);
  });

  test('an empty address book says to invite or to accept', () => {
    answerAsRecorded();
    setPresent({ ...recordedState(), people: { me: null, contacts: [] } });
    stage(<Page />, { path: '/peers' });
    expect(screen.getByText('You know nobody yet')).toBeVisible();
    expect(screen.getByRole('button', { name: 'Invite somebody' })).toBeEnabled();
  });

  test('an invitation is a link and a picture', async () => {
    const asked = answerAsRecorded({ 'POST /api/v1/people/invitations': { status: 200, body: invitation } });
    const user = userEvent.setup();
    stage(<Page />, { path: '/peers' });
    await user.click(screen.getByRole('button', { name: 'Invite somebody' }));
    await user.type(screen.getByRole('textbox', { name: /call you/ }), 'kit');
    await user.click(screen.getByRole('button', { name: 'Make the link' }));
    expect(await screen.findByRole('img', { name: 'QR code of the invitation' })).toBeVisible();
    expect(screen.getByText(link)).toBeVisible();
    expect(asked.at(-1)?.body).toEqual({ petname: 'kit', valid_seconds: 604_800 });
    await expectAccessible(screen.getByRole('dialog'));
  });

  test('who invites is shown before anything is accepted', async () => {
    const asked = answerAsRecorded({
      'POST /api/v1/people/invitations/inspect': { status: 200, body: { invitation } },
      'POST /api/v1/people/invitations/accept': {
        status: 200,
        body: { contact: { ...anna, petname: 'cedar' }, is_new: true },
      },
    });
    const user = userEvent.setup();
    stage(<Page />, { path: '/peers' });
    await user.type(screen.getByRole('textbox', { name: 'Link somebody sent you' }), `${link}{Enter}`);
    const dialog = await screen.findByRole('dialog');
    expect(within(dialog).getByText('tablet')).toBeVisible();
    expect(asked.map((request) => request.path)).not.toContain('/api/v1/people/invitations/accept');
    await user.click(within(dialog).getByRole('button', { name: 'Add to my people' }));
    await waitFor(() => expect(screen.queryByRole('dialog')).toBeNull());
    expect(asked.at(-1)).toMatchObject({
      path: '/api/v1/people/invitations/accept',
      body: { link, petname: 'cedar' },
    });
  });

  test('a link that is none says why', async () => {
    const problem = {
      status: 400,
      code: 'bad-invitation',
      error: 'this is no invitation',
      mend: 'copy the whole link',
    };
    answerAsRecorded({ 'POST /api/v1/people/invitations/inspect': { status: 400, body: problem } });
    const user = userEvent.setup();
    stage(<Page />, { path: '/peers' });
    await user.type(screen.getByRole('textbox', { name: 'Link somebody sent you' }), 'x{Enter}');
    expect(await screen.findByRole('alert')).toHaveTextContent('This is no invitation. Copy the whole link.');
  });

  test('blocking asks first; renaming and removing reach the node', async () => {
    const asked = answerAsRecorded({
      [`PATCH ${who}`]: { status: 200, body: anna },
      [`DELETE ${who}`]: { status: 200, body: anna },
    });
    const user = userEvent.setup();
    stage(<Page />, { path: '/peers' });
    await choose(user, 'anna', 'Block');
    expect(asked).toHaveLength(0);
    await user.click(within(await screen.findByRole('alertdialog')).getByRole('button', { name: 'Block' }));
    await waitFor(() => expect(asked.at(-1)).toMatchObject({ method: 'PATCH', body: { blocked: true } }));
    await waitFor(() => expect(screen.queryByRole('alertdialog')).toBeNull());

    await choose(user, 'anna', 'Rename');
    const name = await screen.findByRole('textbox', { name: 'Name' });
    await user.clear(name);
    await user.type(name, 'ann{Enter}');
    await waitFor(() => expect(asked.at(-1)?.body).toEqual({ petname: 'ann' }));

    await choose(user, 'anna', 'Remove');
    await user.click(within(await screen.findByRole('alertdialog')).getByRole('button', { name: 'Remove' }));
    await waitFor(() => expect(asked.at(-1)).toMatchObject({ method: 'DELETE', path: who }));
  });

  test('one peer has a page of its own, and an unknown one says so', async () => {
    answerAsRecorded();
    const { container, unmount } = stage(<Page />, { path: `/peers/${anna.user_key}` });
    expect(screen.getByRole('heading', { name: 'anna' })).toBeVisible();
    expect(screen.getByRole('heading', { name: 'By path' })).toBeVisible();
    await expectAccessible(container);
    unmount();
    stage(<Page />, { path: '/peers/nobody' });
    expect(screen.getByText('Nobody here knows this peer')).toBeVisible();
  });
});
