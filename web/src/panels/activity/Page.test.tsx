import { act, screen, waitFor, within } from '@testing-library/react';
import userEvent from '@testing-library/user-event';
import i18next from 'i18next';
import { afterEach, beforeEach, describe, expect, test } from 'vitest';
import { expectAccessible } from '../../../tests/axe';
import { answerAsRecorded, play, recordedState, recording } from '../../../tests/recorded';
import { stage } from '../../../tests/stage';
import { leaveReplay } from '../../feed/replay';
import { feedState, setPresent } from '../../feed/store';
import { synthetic } from '../../feed/synthetic';
import Page from './Page';
import { sentence } from './sentence';

const HISTORY = 'GET /api/v1/events/history';
const begun = recording.snapshot.at_ms ?? 0;
const ended = recording.records.at(-1)?.at_ms ?? 0;
const history = { now_ms: ended, head: 9, oldest: 1, oldest_at_ms: begun, snapshots: [{ seq: 1, at_ms: begun }] };
const middle = Math.round(ended - 10_000);
const past = {
  at_ms: middle,
  snapshot: recording.snapshot,
  records: recording.records.filter((record) => record.at_ms <= middle),
};

function lines(): string[] {
  return screen.getAllByRole('option').map((option) => option.textContent ?? '');
}

async function filterBy(user: ReturnType<typeof userEvent.setup>, label: string, option: string) {
  await user.click(screen.getByRole('button', { name: new RegExp(label) }));
  await user.click(await screen.findByRole('option', { name: option }));
}

describe('the activity panel', () => {
  beforeEach(() => {
    play();
  });
  afterEach(() => leaveReplay());

  test('tells what happened, the latest first, without a finding of axe', async () => {
    answerAsRecorded({ [HISTORY]: { status: 200, body: history } });
    const { container } = stage(<Page />, { path: '/activity' });
    const shown = lines();
    expect(shown.length).toBeGreaterThan(10);
    expect(shown.join()).toMatch(/mina is reached directly now\./);
    // Progress is in the figures.
    expect(shown.join()).not.toMatch(/% is here/);
    await expectAccessible(container);
  });

  test('an event shows where it leads, and the raw record one click deeper', async () => {
    answerAsRecorded({ [HISTORY]: { status: 200, body: history } });
    const user = userEvent.setup();
    stage(<Page />, { path: '/activity' });
    const list = screen.getByRole('listbox', { name: 'What happened' });
    list.focus();
    await user.keyboard('{ArrowDown}{ArrowDown}');
    expect(screen.getAllByRole('option')[1]).toHaveAttribute('aria-selected', 'true');
    await user.click(screen.getByText('As the node told it'));
    const raw = screen.getByText(/"seq":/).textContent ?? '';
    expect(recording.records.map((record) => record.seq)).toContain((JSON.parse(raw) as { seq: number }).seq);
  });

  test('it is filtered by kind and by text, and says so when nothing is left', async () => {
    answerAsRecorded({ [HISTORY]: { status: 200, body: history } });
    const user = userEvent.setup();
    stage(<Page />, { path: '/activity' });
    await filterBy(user, 'What', 'peer-path-changed');
    const changes = recording.records.filter((record) => record.kind === 'peer-path-changed');
    await waitFor(() => expect(lines()).toHaveLength(changes.length));
    const text = screen.getByRole('textbox', { name: 'Containing' });
    await user.type(text, 'mina');
    await waitFor(() => expect(lines().every((line) => line.includes('mina'))).toBe(true));
    await user.type(text, ' zzz');
    expect(await screen.findByText(/Nothing like that/)).toBeVisible();
    await user.click(screen.getByRole('button', { name: 'Show everything' }));
    expect(lines().length).toBeGreaterThan(changes.length);
  });

  test('paused, it stays as it is and counts what waits', async () => {
    answerAsRecorded({ [HISTORY]: { status: 200, body: history } });
    play(recordedState(100));
    const user = userEvent.setup();
    stage(<Page />, { path: '/activity' });
    const before = lines();
    await user.click(screen.getByRole('button', { name: 'Pause' }));
    act(() => void play());
    expect(lines()).toEqual(before);
    expect(screen.getByText(/new events wait/)).toBeVisible();
    await user.click(screen.getByRole('button', { name: 'Go on' }));
    expect(lines()).not.toEqual(before);
  });

  test('only lines in sight are built', () => {
    answerAsRecorded({ [HISTORY]: { status: 200, body: history } });
    const { snapshot, records } = synthetic({ seed: 3, torrents: 9, peers: 9, records: 1_000 });
    setPresent({ ...recordedState(), seq: snapshot.seq, recent: records.filter((record) => record.kind !== 'sample') });
    stage(<Page />, { path: '/activity' });
    const options = screen.getAllByRole('option');
    expect(options.length).toBeLessThan(40);
    expect(Number(options[0]?.getAttribute('aria-setsize'))).toBeGreaterThan(300);
  });

  test('the cursor takes the whole page to a moment and back', async () => {
    const asked = answerAsRecorded({
      [HISTORY]: { status: 200, body: history },
      'GET /api/v1/events/replay': { status: 200, body: past },
    });
    const user = userEvent.setup();
    stage(<Page />, { path: '/activity' });
    await waitFor(() => expect(screen.getByRole('button', { name: '10 s earlier' })).toBeEnabled());
    await user.click(screen.getByRole('button', { name: '10 s earlier' }));
    await waitFor(() => expect(feedState().replay).toEqual({ at_ms: middle }));
    expect(asked.some((request) => request.path === `/api/v1/events/replay?at_ms=${middle}`)).toBe(true);
    expect(feedState().at_ms).toBeLessThanOrEqual(middle);
    await user.click(screen.getByRole('button', { name: 'Back to now' }));
    await user.click(screen.getByRole('button', { name: '1 s earlier' }));
    await waitFor(() => expect(feedState().replay).toEqual({ at_ms: ended - 1_000 }));
    await user.click(screen.getByRole('button', { name: '10 s later' }));
    expect(feedState()).toMatchObject({ replay: null, seq: recording.records.at(-1)?.seq });
  });

  test('a moment that is too old says so', async () => {
    const gone = { status: 410, code: 'gone', error: 'that moment is older than what this node remembers', mend: '' };
    answerAsRecorded({
      [HISTORY]: { status: 200, body: history },
      'GET /api/v1/events/replay': { status: 410, body: gone },
    });
    const user = userEvent.setup();
    stage(<Page />, { path: '/activity' });
    await waitFor(() => expect(screen.getByRole('button', { name: '1 s earlier' })).toBeEnabled());
    await user.click(screen.getByRole('button', { name: '10 s earlier' }));
    expect(await within(document.body).findByRole('alert')).toHaveTextContent(/older than what this node remembers/);
    expect(feedState().replay).toBeNull();
  });
});

describe('sentences', () => {
  const kinds = synthetic({ seed: 5, torrents: 5, peers: 5, records: 3_000 }).records;

  test.each(['en', 'de'])('every kind has one in %s, with nothing left open', async (language) => {
    await i18next.changeLanguage(language);
    const t = i18next.getFixedT(language, 'activity');
    const all = [...kinds, ...recording.records];
    const state = recordedState();
    const told = new Map(all.map((record) => [`${record.source} ${record.kind}`, sentence(t, state, record)]));
    await i18next.changeLanguage('en');
    expect(told.size).toBeGreaterThan(24);
    for (const [kind, words] of told) {
      expect(words).not.toMatch(/\{\{|undefined|NaN|say\./);
      if (kind !== 'talk message') expect(words, kind).not.toBe(kind.replace(' ', ': '));
    }
    expect(told.get('talk message')).toBe('talk: message');
  });

  test('a hostile name stays a name', () => {
    const t = i18next.getFixedT('en', 'activity');
    const data = { info_hash: 'x', name: '<b>\u202Egnp.exe {{peer}} $t(nav)'.padEnd(10_000, 'x'), size: 5 };
    const words = sentence(t, recordedState(), { seq: 1, at_ms: 1, source: 'files', kind: 'torrent-added', data });
    expect(words).toContain('<b>gnp.exe {{peer}} $t(nav)');
    expect(words.length).toBeLessThan(200);
  });
});
