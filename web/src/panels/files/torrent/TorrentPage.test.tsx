import { act, fireEvent, screen, waitFor, within } from '@testing-library/react';
import userEvent from '@testing-library/user-event';
import { beforeEach, describe, expect, test, vi } from 'vitest';
import { expectAccessible } from '../../../../tests/axe';
import { answerAsRecorded, play, recordedState, recording } from '../../../../tests/recorded';
import { stage, withWidth } from '../../../../tests/stage';
import { leaveReplay } from '../../../feed/replay';
import { show } from '../../../feed/store';
import { useToasts } from '../../../look/toasts';
import Page from '../Page';
import { priorityOf, type Detail } from '../requests';
import { flow, idOf } from './PeersCard';

// This DOM paints nothing; what is painted has tests of its own.
// A whole page in this DOM takes its time, axe on it more.
vi.setConfig({ testTimeout: 30_000 });

beforeEach(() => {
  vi.spyOn(HTMLCanvasElement.prototype, 'getContext').mockReturnValue(null);
  withWidth(1_000);
});

/** A recorded torrent with several files, and what the node said of it. */
const detail = [...recordedState().files.torrents.keys()]
  .map((id) => recording.answers[`GET /api/v1/files/torrents/${id}`]?.body as Detail)
  .find(({ files }) => files.length > 1) as Detail;
const id = detail.info_hash;
const path = `/files/${id}`;
const base = `/api/v1/files/torrents/${id}`;

async function open(answers: Parameters<typeof answerAsRecorded>[0] = {}, language: 'en' | 'de' = 'en') {
  play();
  const asked = answerAsRecorded(answers);
  const shown = stage(<Page />, { path, language });
  // The node's answers come one by one; names are looked for by selector, since roles of a whole page are slow to tell.
  await waitFor(
    () => {
      expect(document.querySelector('[role=application]')).not.toBeNull();
      expect(document.querySelector('[data-file]')).not.toBeNull();
    },
    { timeout: 10_000 },
  );
  return { ...shown, asked };
}

const refused = { status: 409, body: { status: 409, code: 'no', error: 'not now', mend: 'wait a little' } };

describe('the page of a torrent', () => {
  test('shows the recorded one, and axe finds nothing', async () => {
    const { container } = await open();
    expect(screen.getByRole('heading', { level: 2, name: detail.name })).toBeInTheDocument();
    for (const peer of detail.peers) expect(container.querySelector(`[title="${idOf(peer)}"]`)).not.toBeNull();
    for (const file of detail.files)
      expect(container.querySelector(`[data-file="${String(file.index)}"]`)).not.toBeNull();
    await expectAccessible(container);
  });

  test('speaks German, and nothing is left untranslated', async () => {
    const { container } = await open({}, 'de');
    expect(container).toHaveTextContent('Woher Peers kommen');
    // A missing word shows its key.
    expect(container.textContent).not.toMatch(/\b(list|how|figure|tree|peers|trackers|path|flow)\.[a-z]/);
  });

  test('asks for as many columns as there is room for', async () => {
    const { asked } = await open();
    await waitFor(() => expect(asked.map((one) => one.path)).toContain(`${base}/map?columns=125`));
  });

  test('sets a file’s priority at once, and takes it back when the node refuses', async () => {
    let release: () => void = () => undefined;
    const gate = new Promise<void>((resolve) => (release = resolve));
    await open();
    const recorded = globalThis.fetch;
    const sent: unknown[] = [];
    vi.stubGlobal('fetch', async (input: Request) => {
      if (!new URL(input.url).pathname.endsWith('/priorities')) return recorded(input);
      sent.push(await input.json());
      await gate;
      return Response.json(refused.body, { status: 409 });
    });
    const [file] = detail.files;
    const row = document.querySelector(`[data-file="${String(file?.index)}"]`) as HTMLElement;
    const select = within(row).getByRole<HTMLSelectElement>('combobox');
    const before = select.value;
    fireEvent.change(select, { target: { value: 'high' } });
    await waitFor(() => expect(sent).toEqual([{ priorities: [{ file: file?.index, priority: 'high' }] }]));
    expect(select.value).toBe('high');
    release();
    expect(await screen.findByRole('alert')).toHaveTextContent('Not now. Wait a little.');
    expect(select.value).toBe(before);
  });

  test('what is said of all files is sent for each of them', async () => {
    const { asked } = await open({ [`PUT ${base}/priorities`]: { status: 204 } });
    const all = screen.getByRole('combobox', { name: new RegExp(`All ${String(detail.files.length)} files`) });
    const wanted = priorityOf(detail.files[0] as Detail['files'][0]) === 'low' ? 'high' : 'low';
    fireEvent.change(all, { target: { value: wanted } });
    await waitFor(() => expect(asked.some(({ method }) => method === 'PUT')).toBe(true));
    const body = asked.find(({ method }) => method === 'PUT')?.body as { priorities: { file: number }[] };
    expect(body.priorities.map(({ file }) => file)).toEqual(detail.files.map(({ index }) => index));
  });

  test('removes after asking, keeps the files unless told, and leads back to the list, by keyboard alone', async () => {
    const user = userEvent.setup();
    const title = document.body.appendChild(document.createElement('h1'));
    title.id = 'title';
    title.tabIndex = -1;
    const { asked } = await open({ [`DELETE ${base}?data=false`]: { status: 204 } });
    screen.getByRole('button', { name: 'Remove…' }).focus();
    await user.keyboard('{Enter}');
    const dialog = await screen.findByRole('alertdialog');
    expect(within(dialog).getByRole('checkbox', { name: 'Delete the files too' })).not.toBeChecked();
    await expectAccessible(dialog);
    within(dialog).getByRole('button', { name: 'Remove' }).focus();
    await user.keyboard('{Enter}');
    await waitFor(() => expect(location.pathname).toBe('/files'));
    expect(asked.filter(({ method }) => method === 'DELETE')).toHaveLength(1);
    await waitFor(() => expect(title).toHaveFocus());
    expect(useToasts.getState().toasts.at(-1)?.text).toContain('Its files are still there');
    title.remove();
  });

  test('sets limits in kilobytes a second', async () => {
    const user = userEvent.setup();
    const { asked } = await open({ [`PUT ${base}/limits`]: { status: 204 } });
    const card = screen.getByRole('region', { name: 'Limits for this one' });
    const field = within(card).getByRole('textbox', { name: /Receiving at most/ });
    await user.clear(field);
    await user.type(field, '250');
    await user.tab();
    await user.click(within(card).getByRole('button', { name: 'Set limits' }));
    await waitFor(() => {
      expect(asked.find(({ method }) => method === 'PUT')?.body).toEqual({
        download: 250_000,
        upload: detail.limits.upload ?? null,
      });
    });
  });

  test('plays through a grant, and says when it waits for pieces', async () => {
    const user = userEvent.setup();
    const film = {
      ...detail,
      files: detail.files.map((file) => ({ ...file, path: `${file.path}.mp4`, done: 1, size: 9 })),
    };
    await open({
      [`GET ${base}`]: { status: 200, body: film },
      'POST /api/v1/session/grants': { status: 200, body: { url: '/granted' } },
    });
    await user.click(screen.getAllByRole('button', { name: /^Play: / })[0] as HTMLElement);
    const video = await waitFor(() => {
      const element = document.querySelector('video');
      expect(element).toHaveAttribute('src', '/granted');
      return element as HTMLVideoElement;
    });
    fireEvent.waiting(video);
    expect(screen.getByText('Waiting for pieces from here on. They are fetched first.')).toBeInTheDocument();
    fireEvent.playing(video);
    expect(screen.getByText(/It plays while it arrives/)).toBeInTheDocument();
    await user.click(screen.getByRole('button', { name: 'Close' }));
    expect(document.querySelector('video')).toBeNull();
  });

  test('of a torrent that is gone says so', async () => {
    play();
    answerAsRecorded();
    const { container } = stage(<Page />, { path: `/files/${'f'.repeat(40)}` });
    expect(container).toHaveTextContent('This torrent was removed, or was never here.');
    await expectAccessible(container);
  });

  test('of a moment that is past shows what it was woven from then, and asks the node nothing', async () => {
    const past = { ...recordedState(20), replay: { at_ms: 1 } };
    play();
    show(past);
    const asked = answerAsRecorded();
    const { container } = stage(<Page />, { path });
    expect(container).toHaveTextContent('As it was then.');
    expect(screen.queryByRole('application')).toBeNull();
    expect(screen.queryByRole('button', { name: 'Pause' })).toBeNull();
    expect(asked).toEqual([]);
    await expectAccessible(container);
    act(leaveReplay);
  });

  test('hostile names of files, peers and trackers stay text', async () => {
    const evil = '<b onclick=1>\u202etxt.exe</b>';
    const body = {
      ...detail,
      files: detail.files.map((file) => ({ ...file, path: `${evil}/${evil}` })),
      peers: detail.peers.map((peer) => ({ ...peer, client: evil.repeat(300) })),
      trackers: [
        {
          url: `udp://${evil}`,
          tier: 0,
          state: 'failed',
          message: evil,
          seeders: null,
          leechers: null,
          next_announce_seconds: null,
        },
      ],
    };
    const { container } = await open({ [`GET ${base}`]: { status: 200, body } });
    expect(container.querySelector('b[onclick]')).toBeNull();
    expect(container.textContent).toContain('<b onclick=1>txt.exe');
    expect(container.innerHTML).not.toContain('\u202e');
  });
});

test('what a connection does is said in a word', () => {
  expect([flow(true, false), flow(true, true), flow(false, false), flow(false, true)]).toEqual([
    'flows',
    'waits',
    'idle',
    'idle',
  ]);
});
