import { signedIn, tableOf } from '../browser';
import { lab } from '../lab';
import type { Scene } from '../scene';
import { picture } from '../screens';
import { must, until } from '../until';

interface Contact {
  petname: string;
  devices: { device_key: string }[];
}

/** Ann invites, Ben accepts: she is in his address book, under her name. */
export const invite: Scene = async (stage) => {
  const { page } = stage.ann;
  await stage.ann.panel('Peers');
  await page.getByText('You know nobody yet').waitFor();
  await page.getByRole('button', { name: 'Invite somebody' }).click();
  const dialog = page.getByRole('dialog');
  await dialog.getByLabel('What shall they call you?').fill('Ann');
  await dialog.getByRole('button', { name: 'Make the link' }).click();
  await dialog.getByRole('img', { name: 'QR code of the invitation' }).waitFor();
  await picture(stage.ann, 'invite-light-1440', false);
  await dialog.getByRole('button', { name: 'Copy invitation' }).click();
  const link = await page.evaluate(() => navigator.clipboard.readText());
  must(/^weft:/i.test(link), `this is no invitation: ${link.slice(0, 60)}`);
  await dialog.getByRole('button', { name: 'Done' }).click();

  stage.ben = await signedIn('ben');
  const ben = stage.ben.page;
  await stage.ben.panel('Peers');
  await ben.getByLabel('Link somebody sent you').fill(link);
  await ben.getByRole('button', { name: 'Look at it' }).click();
  const asks = ben.getByRole('dialog', { name: 'Who invites you' });
  await asks.getByText('Suggests the name Ann.').waitFor();
  await picture(stage.ben, 'accept-light-1440', false);
  await asks.getByRole('button', { name: 'Add to my people' }).click();
  const book = tableOf(ben, 'People you know');
  await book.getByRole('link', { name: 'Ann' }).waitFor();
  const contacts = await lab.ben.get<Contact[]>('/people/contacts');
  const [ann] = contacts;
  must(contacts.length === 1 && ann?.petname === 'Ann', `Ben's address book: ${JSON.stringify(contacts)}`);
  must(ann.devices[0]?.device_key === lab.ann.key, 'the contact is not the one who invited');

  // The other way round by the API, so that both sides have names.
  const back = await lab.ben.post<{ link: string }>('/people/invitations', { petname: 'Ben', valid_seconds: 3600 });
  await lab.ann.post('/people/invitations/accept', { link: back.link, petname: null });
  await tableOf(page, 'People you know').getByRole('link', { name: 'Ben' }).waitFor();

  // Relay peers are peers too: Ben knows both by their keys.
  await stage.ben.panel('Network');
  for (const relay of [lab.oak, lab.elm]) {
    await ben.getByRole('textbox', { name: 'Peer key' }).fill(relay.key);
    await ben.getByRole('button', { name: 'Connect', exact: true }).click();
    await until(`a connection with ${relay.name}`, async () => (await lab.ben.peer(relay.key)).connections > 0);
  }
  return 'by link, both ways';
};
