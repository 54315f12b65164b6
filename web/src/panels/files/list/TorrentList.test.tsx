import { act, screen, within } from '@testing-library/react';
import userEvent from '@testing-library/user-event';
import { Profiler } from 'react';
import { describe, expect, test, vi } from 'vitest';
import { expectAccessible } from '../../../../tests/axe';
import { answerAsRecorded, play, recordedState } from '../../../../tests/recorded';
import { stage } from '../../../../tests/stage';
import type { FeedState, Torrent } from '../../../feed/types';
import Page from '../Page';

// A whole page in this DOM takes its time, axe on it more.
vi.setConfig({ testTimeout: 30_000 });

/** The recorded state with its torrents changed. */
function withTorrents(change: (torrents: Map<string, Torrent>) => void): FeedState {
  const state = recordedState();
  const torrents = new Map(state.files.torrents);
  change(torrents);
  return { ...state, files: { ...state.files, torrents } };
}

const names = () => screen.getAllByRole('rowheader').map((row) => within(row).getByRole('link').textContent);
const list = (state: FeedState = recordedState()) => {
  play(state);
  answerAsRecorded();
  return stage(<Page />, { path: '/files' });
};

/** Two hundred torrents of the first one's kind. */
const many = withTorrents((torrents) => {
  const [first] = torrents.values();
  for (let index = 0; index < 200; index++) {
    const info_hash = index.toString(16).padStart(40, '0');
    torrents.set(info_hash, { ...(first as Torrent), info_hash, name: `torrent ${String(index)}` });
  }
});

describe('the list', () => {
  test('shows every torrent of the recorded lab with strip, state and figures, and axe finds nothing', async () => {
    const { container } = list();
    const torrents = [...recordedState().files.torrents.values()];
    expect(names().sort()).toEqual(torrents.map(({ name }) => name).sort());
    for (const { name, weave } of torrents) {
      const bar = screen.getByRole('progressbar', { name: `Progress of ${name}` });
      expect(bar).toHaveAttribute('data-cells', weave?.cells);
    }
    await expectAccessible(container);
  });

  test('says what to do when it is empty', async () => {
    const { container } = list(withTorrents((torrents) => torrents.clear()));
    expect(container).toHaveTextContent('Drop files here to share them, or paste a link');
    await expectAccessible(container);
  });

  test('keeps its order while figures change, and orders itself when asked', async () => {
    const user = userEvent.setup();
    list();
    const before = names();
    await user.click(screen.getByRole('columnheader', { name: 'Name' }).querySelector('button') as HTMLElement);
    expect(names()).toEqual([...before].sort((a, b) => (a ?? '').localeCompare(b ?? '')));
    expect(screen.getByRole('columnheader', { name: 'Name' })).toHaveAttribute('aria-sort', 'ascending');
    const sorted = names();
    act(() => {
      play(
        withTorrents((torrents) => {
          for (const [id, torrent] of torrents) torrents.set(id, { ...torrent, name: `z${torrent.info_hash}` });
        }),
      );
    });
    const now = withTorrents(() => undefined).files.torrents;
    const idsOf = [...now]
      .sort(([, a], [, b]) => sorted.indexOf(a.name) - sorted.indexOf(b.name))
      .map(([id]) => `z${id}`);
    expect(names()).toEqual(idsOf);
  });

  test('finds by name and state', async () => {
    const user = userEvent.setup();
    list();
    await user.type(screen.getByRole('searchbox', { name: 'Search names' }), 'THESIS');
    expect(names()).toEqual(['thesis-data.tar']);
    await user.click(screen.getByRole('button', { name: /^Paused/ }));
    expect(screen.queryAllByRole('rowheader')).toEqual([]);
    await user.click(screen.getByRole('button', { name: 'Show all' }));
    expect(names().length).toBe(recordedState().files.torrents.size);
  });

  test('draws one row again when one torrent of two hundred moves', () => {
    play(many);
    answerAsRecorded();
    let drawn = 0;
    stage(
      <Profiler id="list" onRender={() => (drawn += 1)}>
        <Page />
      </Profiler>,
      { path: '/files' },
    );
    const rows = [...document.querySelectorAll('[data-info-hash]')];
    expect(rows).toHaveLength(many.files.torrents.size);
    const changed: Node[] = [];
    const observer = new MutationObserver((records) => changed.push(...records.map(({ target }) => target)));
    for (const row of rows)
      observer.observe(row, { subtree: true, childList: true, characterData: true, attributes: true });
    drawn = 0;
    const id = '7'.padStart(40, '0');
    const torrents = new Map(many.files.torrents);
    torrents.set(id, { ...(torrents.get(id) as Torrent), rate_up: 123_456, peer_count: 3 });
    act(() => {
      play({ ...many, files: { ...many.files, torrents } });
    });
    changed.push(...observer.takeRecords().map(({ target }) => target));
    const row = document.querySelector(`[data-info-hash="${id}"]`);
    expect(row).toHaveTextContent('123 kB/s');
    expect(changed.length).toBeGreaterThan(0);
    for (const node of changed) expect(row?.contains(node)).toBe(true);
    expect(drawn).toBe(1);
  });

  test('shows trouble with its mend', () => {
    const trouble = {
      kind: 'disk-full',
      message: 'the disk of /films is full',
      mend: 'make room, then go on',
    } as const;
    list(
      withTorrents((torrents) => {
        for (const [id, torrent] of torrents) torrents.set(id, { ...torrent, state: 'error', trouble });
      }),
    );
    const [row] = screen.getAllByRole('rowheader');
    expect(row).toHaveTextContent('The disk of /films is full. Make room, then go on.');
    expect(screen.getAllByRole('button', { name: /^Go on:/ }).length).toBeGreaterThan(0);
  });

  test('pauses, and says why when the node refuses', async () => {
    const user = userEvent.setup();
    play();
    const [id] = recordedState().files.torrents.keys();
    const asked = answerAsRecorded({
      [`POST /api/v1/files/torrents/${String(id)}/pause`]: {
        status: 409,
        body: { status: 409, code: 'conflict', error: 'it was removed', mend: 'look again' },
      },
    });
    stage(<Page />, { path: '/files' });
    const row = document.querySelector(`[data-info-hash="${String(id)}"]`) as HTMLElement;
    await user.click(within(row).getByRole('button', { name: /^Pause/ }));
    expect(await within(row).findByRole('alert')).toHaveTextContent('It was removed. Look again.');
    expect(asked.some(({ path }) => path.endsWith('/pause'))).toBe(true);
  });
});

describe('names from strangers', () => {
  const evil = [
    '<img src=x onerror="document.title=1"><script>1</script>',
    'cod\u202egpj.exe',
    'x'.repeat(10_000),
    '👩‍👩‍👧‍👦'.repeat(50),
    '\u0000\u0007\u009b31m',
  ];

  test('are text, keep their direction to themselves, and are cut', async () => {
    const { container } = list(
      withTorrents((torrents) => {
        const [first] = torrents.values();
        torrents.clear();
        for (const [index, name] of evil.entries()) {
          const info_hash = String(index).padStart(40, 'e');
          torrents.set(info_hash, { ...(first as Torrent), info_hash, name });
        }
      }),
    );
    expect(container.querySelector('img, script')).toBeNull();
    const shown = names();
    expect(shown).toHaveLength(evil.length);
    expect(shown).toContain('<img src=x onerror="document.title=1"><script>1</script>');
    expect(shown).toContain('codgpj.exe');
    for (const text of shown) {
      expect(text).not.toMatch(/[\u202a-\u202e]|\p{Cc}/u);
      expect(Array.from(text ?? '').length).toBeLessThanOrEqual(201);
    }
    for (const link of container.querySelectorAll('[role=rowheader] a'))
      expect(link.querySelector('bdi, span')).not.toBeNull();
    for (const element of container.querySelectorAll('[aria-label]')) {
      expect(element.getAttribute('aria-label')).not.toMatch(/\u202e/);
      expect(element.getAttribute('aria-label')?.length).toBeLessThan(900);
    }
    await expectAccessible(container);
  });
});
