import { act, fireEvent, screen, waitFor, within } from '@testing-library/react';
import userEvent from '@testing-library/user-event';
import { afterEach, beforeEach, describe, expect, test, vi } from 'vitest';
import { expectAccessible } from '../../../tests/axe';
import { answerAsRecorded, play, recording } from '../../../tests/recorded';
import { stage } from '../../../tests/stage';
import { scrapeConfig } from './Access';
import Page from './Page';
import { useWaiting } from './requests';
import { isFixed, originOf, say, type Setting } from './setting';

const config = recording.answers['GET /api/v1/config']?.body as { settings: Setting[] };
const setting = (key: string) => config.settings.find((one) => one.key === key) as Setting;
const WORDS = Array.from({ length: 24 }, (_, place) => `word${place}`);

function row(key: string) {
  return within(screen.getByText(key).closest('li') as HTMLElement);
}

describe('the settings panel', () => {
  beforeEach(() => {
    play();
    useWaiting.setState({ keys: [] });
  });
  afterEach(() => {
    vi.useRealTimers();
  });

  test('shows every setting with its origin and when it acts, without a finding of axe', async () => {
    answerAsRecorded();
    const { container } = stage(<Page />, { path: '/settings' });
    expect(await screen.findByText('files.download_rate')).toBeVisible();
    for (const { key } of config.settings) expect(screen.getByText(key)).toBeVisible();
    expect(row('files.download_rate').getByText('no limit')).toBeVisible();
    expect(row('files.download_rate').getByText(/default · acts at once|acts at once/)).toBeVisible();
    expect(row('network.name').getByText(/acts after a restart/)).toBeVisible();
    await expectAccessible(container);
  });

  test('what the node says is wrong stands at the field', async () => {
    const problem = { status: 400, code: 'bad-setting', error: '`many` is no rate', mend: '' };
    answerAsRecorded({ 'PUT /api/v1/config/files.download_rate': { status: 400, body: problem } });
    const user = userEvent.setup();
    stage(<Page />, { path: '/settings' });
    await user.click(await screen.findByRole('button', { name: 'Change: Download limit for everything' }));
    const field = screen.getByRole('textbox', { name: 'Download limit for everything' });
    await user.clear(field);
    await user.type(field, 'many{Enter}');
    expect(await screen.findByRole('alert')).toHaveTextContent('`many` is no rate');
  });

  test('a change that waits for a restart offers one', async () => {
    const changed = { ...setting('overlay.port'), value: 4000, origin: '/etc/weft.toml', takes_effect: 'restart' };
    const asked = answerAsRecorded({
      'PUT /api/v1/config/overlay.port': { status: 200, body: changed },
      'POST /api/v1/restart': { status: 202, body: { url: 'http://127.0.0.1:1/' } },
    });
    const user = userEvent.setup();
    stage(<Page />, { path: '/settings' });
    await user.click(await screen.findByRole('button', { name: 'Change: Port for peers' }));
    const field = screen.getByRole('textbox', { name: 'Port for peers' });
    await user.clear(field);
    await user.type(field, '4000{Enter}');
    const restart = await screen.findByRole('button', { name: 'Restart now' });
    expect(asked.find((request) => request.method === 'PUT')?.body).toEqual({ value: '4000' });
    expect(row('overlay.port').getByText('4000')).toBeVisible();
    await user.click(restart);
    await waitFor(() => expect(asked.some((request) => request.path === '/api/v1/restart')).toBe(true));
    await waitFor(() => expect(screen.queryByRole('button', { name: 'Restart now' })).toBeNull());
  });

  test('the recovery phrase asks for a word, and is gone when the page is left', async () => {
    const asked = answerAsRecorded({ 'POST /api/v1/identity/phrase': { status: 200, body: { words: WORDS } } });
    const user = userEvent.setup();
    stage(<Page />, { path: '/settings' });
    const word = screen.getByRole('textbox', { name: /Type “show”/ });
    await user.type(word, 'yes{Enter}');
    expect(screen.getByText('Type the word as it stands above.')).toBeVisible();
    expect(asked.some((request) => request.path.includes('phrase'))).toBe(false);
    await user.clear(word);
    await user.type(word, 'show{Enter}');
    const words = await screen.findByRole('list', { name: 'Your 24 words' });
    expect(within(words).getAllByRole('listitem')).toHaveLength(24);
    fireEvent.blur(window);
    await waitFor(() => expect(screen.queryByText('word7')).toBeNull());
  });

  test('the recovery phrase is hidden after a minute', async () => {
    vi.useFakeTimers({ shouldAdvanceTime: true });
    answerAsRecorded({ 'POST /api/v1/identity/phrase': { status: 200, body: { words: WORDS } } });
    const user = userEvent.setup({ advanceTimers: (ms) => vi.advanceTimersByTime(ms) });
    stage(<Page />, { path: '/settings' });
    await user.type(screen.getByRole('textbox', { name: /Type “show”/ }), 'show{Enter}');
    expect(await screen.findByText('word7')).toBeVisible();
    act(() => void vi.advanceTimersByTime(59_000));
    expect(screen.getByText('word7')).toBeVisible();
    act(() => void vi.advanceTimersByTime(1_500));
    await waitFor(() => expect(screen.queryByText('word7')).toBeNull());
  });

  test('a keystore with a passphrase asks for it', async () => {
    const problem = { status: 403, code: 'passphrase', error: 'the keystore has a passphrase', mend: '' };
    const asked = answerAsRecorded({ 'POST /api/v1/identity/phrase': { status: 403, body: problem } });
    const user = userEvent.setup();
    stage(<Page />, { path: '/settings' });
    await user.type(screen.getByRole('textbox', { name: /Type “show”/ }), 'show{Enter}');
    await user.type(await screen.findByLabelText('Passphrase of your keys'), 'secret');
    await user.type(screen.getByRole('textbox', { name: /Type “show”/ }), 'show{Enter}');
    await waitFor(() => expect(asked.at(-1)?.body).toEqual({ confirm: 'reveal', passphrase: 'secret' }));
  });

  test('the token is asked for when somebody wants to see it', async () => {
    const body = { token: 'tok-en', path: '/home/you/weft/api-token' };
    const asked = answerAsRecorded({ 'GET /api/v1/token': { status: 200, body } });
    const user = userEvent.setup();
    stage(<Page />, { path: '/settings' });
    expect(asked.some((request) => request.path === '/api/v1/token')).toBe(false);
    await user.click(screen.getByRole('button', { name: 'Show the token' }));
    expect(await screen.findByText('tok-en')).toBeVisible();
    await user.click(screen.getByRole('button', { name: 'Hide' }));
    expect(screen.queryByText('tok-en')).toBeNull();
    await user.click(screen.getByRole('button', { name: 'Show the configuration' }));
    expect(await screen.findByText(/credentials_file: "\/home\/you\/weft\/api-token"/)).toBeVisible();
    expect(screen.queryByText(/tok-en/)).toBeNull();
  });
});

describe('a setting', () => {
  test('has an origin in a word, and the environment and flags win over the file', () => {
    const of = (origin: string) => originOf({ origin });
    expect([of('default'), of('/etc/weft/config.toml'), of('environment WEFT_API__LISTEN'), of('--api')]).toEqual([
      'default',
      'file',
      'env',
      'flag',
    ]);
    expect(isFixed({ origin: '--api' })).toBe(true);
    expect(isFixed({ origin: 'default' })).toBe(false);
  });

  test('has a value for the eye', () => {
    const t = ((key: string) => key) as Parameters<typeof say>[0];
    expect(say(t, 'files.upload_rate', 0)).toBe('unlimited');
    expect(say(t, 'files.upload_rate', 2_500_000)).toBe('2.5 MB/s');
    expect(say(t, 'overlay.port', 9_338)).toBe('9338');
    expect(say(t, 'network.bootstrap', ['a:1', 'b:2'])).toBe('a:1, b:2');
    expect(say(t, 'network.bootstrap', [])).toBe('none');
    expect(say(t, 'network.name', '')).toBe('empty');
  });

  test('Prometheus reads the token from its file, whatever the path is', () => {
    expect(scrapeConfig('127.0.0.1:9338', '/home/an "odd" name/t')).toContain(
      'credentials_file: "/home/an \\"odd\\" name/t"',
    );
  });
});
