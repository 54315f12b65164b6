import { createEvent, fireEvent, screen, waitFor, within } from '@testing-library/react';
import userEvent from '@testing-library/user-event';
import { beforeEach, describe, expect, test, vi } from 'vitest';
import { expectAccessible } from '../../../../tests/axe';
import { answerAsRecorded, play, recordedState, recording } from '../../../../tests/recorded';
import { stage } from '../../../../tests/stage';
import Page from '../Page';
import { base64 } from './useAdding';

// A whole page in this DOM takes its time, axe on it more.
vi.setConfig({ testTimeout: 30_000 });

beforeEach(() => {
  vi.spyOn(HTMLCanvasElement.prototype, 'getContext').mockReturnValue(null);
});

const [first, ...others] = [...recordedState().files.torrents.keys()];
const several = [first, ...others]
  .map(
    (id) =>
      recording.answers[`GET /api/v1/files/torrents/${String(id)}`]?.body as { info_hash: string; files: object[] },
  )
  .find(({ files }) => files.length > 1) as { info_hash: string; files: object[] };
const added = (info_hash: string) => ({
  ...(recording.answers[`GET /api/v1/files/torrents/${info_hash}`]?.body as object),
  link: `magnet:?xt=urn:btih:${info_hash}`,
  skipped: [{ path: 'link', why: 'symlink' }],
});
const magnet = `magnet:?xt=urn:btih:${'c'.repeat(40)}`;

function open(answers: Parameters<typeof answerAsRecorded>[0] = {}, state = recordedState()) {
  play(state);
  const asked = answerAsRecorded(answers);
  stage(<Page />, { path: '/files' });
  return asked;
}

function paste(target: Element, text: string) {
  const event = createEvent.paste(target, { clipboardData: { getData: () => text } });
  fireEvent(target, event);
  return event;
}

function drop(files: File[]) {
  const items = files.map(() => ({ kind: 'file', webkitGetAsEntry: () => null }));
  const dataTransfer = { types: ['Files'], files, items, getData: () => '' };
  fireEvent.dragEnter(document.body, { dataTransfer });
  expect(screen.getByText(/Drop files or folders to share them/)).toBeInTheDocument();
  fireEvent.drop(document.body, { dataTransfer });
}

describe('adding', () => {
  test('by keyboard alone: open, type a link, get it, and be led to its page', async () => {
    const user = userEvent.setup();
    const before = recordedState();
    const torrents = new Map(before.files.torrents);
    torrents.delete(String(first));
    const asked = open(
      { 'POST /api/v1/files/torrents': { status: 201, body: added(String(first)) } },
      { ...before, files: { ...before.files, torrents } },
    );
    screen.getAllByRole('button', { name: 'Add' })[0]?.focus();
    await user.keyboard('{Enter}');
    const dialog = await screen.findByRole('dialog', { name: 'Add' });
    await expectAccessible(dialog);
    expect(screen.getByRole('textbox', { name: /A link, an info-hash/ })).toHaveFocus();
    await user.keyboard(magnet);
    expect(dialog).toHaveTextContent('A magnet link.');
    within(dialog).getByRole('button', { name: 'Get this' }).focus();
    await user.keyboard('{Enter}');
    await waitFor(() => expect(location.pathname).toBe(`/files/${String(first)}`));
    const post = asked.find(({ method }) => method === 'POST');
    expect(post?.body).toEqual({ magnet, paused: false, public: false, limits: { download: null, upload: null } });
  });

  test('by a paste anywhere, but not into another field', async () => {
    open();
    expect(paste(screen.getByRole('searchbox'), magnet).defaultPrevented).toBe(false);
    expect(screen.queryByRole('dialog')).toBeNull();
    paste(document.body, 'just words');
    expect(screen.queryByRole('dialog')).toBeNull();
    paste(document.body, magnet);
    expect(await screen.findByRole('textbox', { name: /A link/ })).toHaveValue(magnet);
  });

  test('says what went wrong, and what was typed is still there', async () => {
    const user = userEvent.setup();
    const problem = { status: 400, code: 'bad-magnet', error: 'the link is cut', mend: 'copy the whole link' };
    open({ 'POST /api/v1/files/torrents': { status: 400, body: problem } });
    paste(document.body, magnet);
    await user.click(await screen.findByRole('button', { name: 'Get this' }));
    expect(await screen.findByRole('alert')).toHaveTextContent('The link is cut. Copy the whole link.');
    expect(screen.getByRole('textbox', { name: /A link/ })).toHaveValue(magnet);
  });

  test('of a path shares it where it lies and shows the link as text and code', async () => {
    const user = userEvent.setup();
    const asked = open({ 'POST /api/v1/files/torrents': { status: 201, body: added(String(first)) } });
    await user.click(screen.getAllByRole('button', { name: 'Add' })[0] as HTMLElement);
    await user.type(await screen.findByRole('textbox', { name: /A link/ }), '/home/you/films');
    await user.click(screen.getByRole('checkbox', { name: /Leave my key out/ }));
    await user.click(screen.getByRole('button', { name: 'Share' }));
    const dialog = await screen.findByRole('dialog', { name: 'It is shared' });
    expect(dialog).toHaveTextContent(`magnet:?xt=urn:btih:${String(first)}`);
    expect(within(dialog).getByRole('img', { name: 'The link as a QR code' })).toBeInTheDocument();
    expect(dialog).toHaveTextContent('1 thing in the folder was left out');
    expect(asked.find(({ method }) => method === 'POST')?.body).toMatchObject({
      path: '/home/you/films',
      public: true,
    });
    await expectAccessible(dialog);
  });

  test('of a dropped .torrent asks whether to get it, then which files, and begins', async () => {
    const user = userEvent.setup();
    const before = recordedState();
    const torrents = new Map(before.files.torrents);
    torrents.delete(several.info_hash);
    const id = several.info_hash;
    const asked = open(
      {
        'POST /api/v1/files/torrents': { status: 201, body: added(id) },
        [`POST /api/v1/files/torrents/${id}/resume`]: { status: 204 },
        [`PUT /api/v1/files/torrents/${id}/priorities`]: { status: 204 },
      },
      { ...before, files: { ...before.files, torrents } },
    );
    drop([new File(['de'], 'x.torrent')]);
    expect(await screen.findByText('A .torrent file. Get what it names?')).toBeInTheDocument();
    await user.click(screen.getByRole('button', { name: 'Get this' }));
    const dialog = await screen.findByRole('alertdialog', { name: 'Which files?' });
    expect(asked.find(({ method }) => method === 'POST')?.body).toMatchObject({ metainfo: 'ZGU=', paused: true });
    await expectAccessible(dialog);
    fireEvent.change(within(dialog).getAllByRole('combobox')[1] as HTMLElement, { target: { value: 'skip' } });
    await waitFor(() => expect(asked.some(({ path }) => path.endsWith('/priorities'))).toBe(true));
    await user.click(within(dialog).getByRole('button', { name: 'Begin' }));
    await waitFor(() => expect(location.pathname).toBe(`/files/${id}`));
    expect(asked.map(({ path }) => path)).toContain(`/api/v1/files/torrents/${id}/resume`);
  });

  test('of several dropped things asks for a name that can be a folder’s', async () => {
    const user = userEvent.setup();
    open();
    drop([new File(['1'], 'a'), new File(['2'], 'b')]);
    const name = await screen.findByRole('textbox', { name: 'What they are called together' });
    const share = screen.getByRole('button', { name: 'Share' });
    expect(share).toBeDisabled();
    await user.type(name, '../x');
    expect(share).toBeDisabled();
    await user.clear(name);
    await user.type(name, 'trip');
    expect(share).toBeEnabled();
  });
});

test('a file’s bytes become base64, however many', async () => {
  const bytes = Uint8Array.from({ length: 100_000 }, (_, index) => index % 251);
  const text = await base64(new Blob([bytes]));
  expect(Uint8Array.from(atob(text), (character) => character.charCodeAt(0))).toEqual(bytes);
});
