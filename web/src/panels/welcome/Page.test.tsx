import { screen, waitFor, within } from '@testing-library/react';
import userEvent from '@testing-library/user-event';
import { beforeEach, describe, expect, test } from 'vitest';
import { expectAccessible } from '../../../tests/axe';
import { answerAsRecorded, play } from '../../../tests/recorded';
import { stage } from '../../../tests/stage';
import Page from './Page';
import { twoPlaces, wordsIn } from './phrase';
import { WORDS } from './wordlist';

const PHRASE = [...WORDS].slice(100, 124);
const setup = {
  done: false,
  identity: { user: 'u'.repeat(52), peer: 'p'.repeat(52), device_name: 'kitchen-nas', encrypted: false },
  files_dir: '/home/you/files',
  download_rate: null,
  upload_rate: null,
  can_restore: true,
};
const answers = {
  'GET /api/v1/setup': { status: 200, body: setup },
  'PUT /api/v1/setup': { status: 204 },
  'POST /api/v1/identity/phrase': { status: 200, body: { words: PHRASE } },
  'PUT /api/v1/config/files.download_rate': { status: 200, body: { key: 'files.download_rate' } },
};

describe('the first run', () => {
  beforeEach(() => {
    play();
  });

  test('leads from a new identity over its words to something useful, without a finding of axe', async () => {
    const asked = answerAsRecorded(answers);
    const user = userEvent.setup();
    const { container } = stage(<Page />, { path: '/welcome' });
    expect(await screen.findByText('kitchen-nas')).toBeVisible();
    await expectAccessible(container);
    await user.click(screen.getByRole('button', { name: 'Next' }));

    expect(asked.some((request) => request.path.includes('phrase'))).toBe(false);
    await user.click(screen.getByRole('button', { name: 'Show my words' }));
    const words = within(await screen.findByRole('list', { name: 'Your 24 words' })).getAllByRole('listitem');
    expect(words).toHaveLength(24);
    await expectAccessible(container);
    await user.click(screen.getByRole('button', { name: 'I wrote them down' }));

    const fields = screen.getAllByRole('textbox', { name: /^Word \d+$/ });
    expect(fields).toHaveLength(2);
    for (const field of fields) await user.type(field, 'wrong');
    await user.click(screen.getByRole('button', { name: 'Next' }));
    expect(screen.getAllByText(/Look at your paper/)).toHaveLength(2);
    for (const field of fields) {
      const place = Number(/\d+/.exec(document.querySelector(`label[for="${field.id}"]`)?.textContent ?? '')?.[0]);
      await user.clear(field);
      await user.type(field, PHRASE[place - 1] ?? '');
    }
    await user.click(screen.getByRole('button', { name: 'Next' }));

    await user.type(screen.getByRole('textbox', { name: 'Download at most' }), '2.5');
    await user.click(screen.getByRole('button', { name: 'Finish' }));
    expect(await screen.findByRole('link', { name: /Share or get a file/ })).toHaveAttribute('href', '/files');
    const written = asked.filter((request) => request.method === 'PUT');
    expect(written.map(({ path, body }) => [path, body])).toEqual([
      ['/api/v1/config/files.download_rate', { value: '2500000' }],
      ['/api/v1/setup', { done: true }],
    ]);
    await expectAccessible(container);
  });

  test('the words may be skipped, knowing what that means', async () => {
    answerAsRecorded(answers);
    const user = userEvent.setup();
    stage(<Page />, { path: '/welcome' });
    await user.click(await screen.findByRole('button', { name: 'Next' }));
    await user.click(screen.getByRole('button', { name: 'Skip for now' }));
    expect(await screen.findByText(/nobody can bring your identity back/)).toBeVisible();
    await user.click(screen.getByRole('button', { name: 'Go on without' }));
    expect(await screen.findByRole('heading', { name: 'Room and speed' })).toBeVisible();
  });

  test('24 words are looked up as they are typed, and the node says whether they belong together', async () => {
    const problem = { status: 400, code: 'bad-phrase', error: 'the checksum is wrong', mend: '' };
    const asked = answerAsRecorded({ ...answers, 'POST /api/v1/setup/restore': { status: 400, body: problem } });
    const user = userEvent.setup();
    const { container } = stage(<Page />, { path: '/welcome' });
    await user.click(await screen.findByRole('radio', { name: /I have 24 words/ }));
    await user.click(screen.getByRole('button', { name: 'Next' }));
    const area = screen.getByRole('textbox', { name: 'Your 24 words' });
    await user.type(area, 'abandon zzzz abi');
    expect(await screen.findByText('One word is not in the list: zzzz.')).toBeVisible();
    expect(screen.getByRole('button', { name: 'Restore' })).toBeDisabled();
    await user.clear(area);
    await user.click(area);
    await user.paste(PHRASE.map((word, place) => `${place + 1}. ${word}`).join('\n'));
    await waitFor(() => expect(screen.getByRole('button', { name: 'Restore' })).toBeEnabled());
    await expectAccessible(container);
    await user.click(screen.getByRole('button', { name: 'Restore' }));
    expect(await screen.findByRole('alert')).toHaveTextContent('The checksum is wrong.');
    expect(asked.at(-1)?.body).toEqual({ phrase: PHRASE.join(' ') });
  });

  test('a first run that is over leads on', async () => {
    answerAsRecorded({ 'GET /api/v1/setup': { status: 200, body: { ...setup, done: true } } });
    stage(<Page />, { path: '/welcome' });
    expect(await screen.findByRole('link', { name: 'Go to the overview' })).toHaveAttribute('href', '/');
  });
});

test('a phrase is its words, whatever stands between them', () => {
  expect(wordsIn('1. Abandon,\n 2. ability  3) able')).toEqual(['abandon', 'ability', 'able']);
  expect(WORDS.size).toBe(2_048);
});

test('the two words that are asked for are never the same', () => {
  let seed = 1;
  const random = () => (seed = (seed * 16_807) % 2_147_483_647) / 2_147_483_647;
  for (let i = 0; i < 2_000; i++) {
    const [first, second] = twoPlaces(random);
    expect(first).toBeLessThan(second);
    expect(second).toBeLessThan(24);
    expect(first).toBeGreaterThanOrEqual(0);
  }
});
