import { act, screen, within } from '@testing-library/react';
import userEvent from '@testing-library/user-event';
import { beforeEach, describe, expect, test } from 'vitest';
import { expectAccessible } from '../../tests/axe';
import { answerAsRecorded, play, recordedState } from '../../tests/recorded';
import { stage } from '../../tests/stage';
import { setPresent } from '../feed/store';
import { i18next } from './i18n';
import { Frame } from './Frame';
import { setTheme } from './theme';

beforeEach(() => {
  play(recordedState(40));
  answerAsRecorded();
});

describe('the frame', () => {
  test.each(['light', 'dark'] as const)('is accessible in the %s theme', async (theme) => {
    setTheme(theme);
    expect(document.documentElement.dataset['theme']).toBe(theme);
    const { container } = stage(<Frame />, { path: '/feed' });
    await screen.findByRole('heading', { level: 2, name: 'How the feed does' });
    await expectAccessible(container);
  });

  test('tells where one is: in the navigation, the heading and the title', async () => {
    stage(<Frame />, { path: '/services' });
    await screen.findByRole('heading', { level: 2, name: 'What this node does' });
    const nav = screen.getByRole('navigation', { name: 'Panels' });
    expect(within(nav).getByRole('link', { current: 'page' })).toHaveTextContent('Services');
    expect(screen.getByRole('heading', { level: 1 })).toHaveTextContent('Services');
    expect(document.title).toMatch(/^Services · .+ · Weft$/);
  });

  test('says the one sentence politely, and takes it back', () => {
    stage(<Frame />, { path: '/nowhere' });
    expect(screen.getByRole('status')).toHaveTextContent('All is well. Nothing needs you.');
    const state = recordedState(40);
    act(() => setPresent({ ...state, network: { ...state.network, peers: new Map() } }));
    expect(screen.getByRole('status')).toHaveTextContent('You are connected to nobody.');
  });

  test('an address that leads nowhere says so and leads back', async () => {
    const user = userEvent.setup();
    stage(<Frame />, { path: '/nowhere' });
    expect(screen.getByRole('heading', { level: 1 })).toHaveTextContent('Not here');
    await user.click(screen.getByRole('link', { name: 'Go to the overview' }));
    expect(location.pathname).toBe('/');
  });

  test('going to a panel brings the focus to its title', async () => {
    const user = userEvent.setup();
    stage(<Frame />, { path: '/nowhere' });
    await user.click(screen.getByRole('link', { name: /^Feed/ }));
    expect(screen.getByRole('heading', { level: 1, name: 'Event feed' })).toHaveFocus();
  });

  test('the first key leads past the navigation', async () => {
    const user = userEvent.setup();
    stage(<Frame />, { path: '/nowhere' });
    await user.tab();
    expect(screen.getByRole('link', { name: 'Skip to the content' })).toHaveFocus();
    expect(document.querySelector('#content')?.tagName).toBe('MAIN');
  });

  test('a silent node is told of, and for how long', () => {
    setPresent({ ...recordedState(40), connection: 'offline', since_ms: Date.now() - 65_000 });
    stage(<Frame />, { path: '/nowhere' });
    expect(screen.getByText('Your node does not answer', { selector: 'strong' })).toBeVisible();
    expect(screen.getByText(/^For 1 min\./)).toBeVisible();
  });

  test('the past is told of, and can be left', async () => {
    const user = userEvent.setup();
    setPresent({ ...recordedState(40), replay: { at_ms: Date.now() } });
    stage(<Frame />, { path: '/nowhere' });
    expect(screen.getByText(/^You are looking at .+, not at now$/)).toBeVisible();
    setPresent({ ...recordedState(40) });
    await user.click(screen.getByRole('button', { name: 'Back to now' }));
    expect(screen.queryByText(/not at now$/)).toBeNull();
  });
});

describe('the device menu', () => {
  test('changes the language of everything, and keeps it', async () => {
    const user = userEvent.setup();
    stage(<Frame />, { path: '/nowhere' });
    await user.click(screen.getByRole('button', { name: /^This device/ }));
    await user.click(screen.getByRole('menuitemradio', { name: 'Deutsch' }));
    expect(await screen.findByRole('heading', { level: 1, name: 'Hier ist nichts' })).toBeInTheDocument();
    expect(document.documentElement.lang).toBe('de');
    expect(localStorage.getItem('weft.language')).toBe('de');
    await act(() => i18next.changeLanguage('en'));
  });

  test('changes the theme by keyboard alone', async () => {
    setTheme('light');
    const user = userEvent.setup();
    stage(<Frame />, { path: '/nowhere' });
    screen.getByRole('button', { name: /^This device/ }).focus();
    await user.keyboard('{Enter}');
    expect(screen.getByRole('menuitemradio', { name: 'Light' })).toBeChecked();
    await user.keyboard('{ArrowDown}{Enter}');
    expect(document.documentElement.dataset['theme']).toBe('dark');
    expect(localStorage.getItem('weft.theme')).toBe('dark');
  });
});
