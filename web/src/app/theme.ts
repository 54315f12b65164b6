import { create } from 'zustand';

export const THEMES = ['light', 'dark', 'system'] as const;
export type Theme = (typeof THEMES)[number];

/** Read by first-paint.js too. */
const KEY = 'weft.theme';

const systemIsDark = typeof matchMedia === 'function' ? matchMedia('(prefers-color-scheme: dark)') : null;

function chosen(): Theme {
  const kept = localStorage.getItem(KEY);
  return kept === 'light' || kept === 'dark' ? kept : 'system';
}

/** The theme that was chosen; `system` until somebody does. */
export const useTheme = create<{ theme: Theme }>(() => ({ theme: chosen() }));

function paint() {
  const { theme } = useTheme.getState();
  const dark = theme === 'system' ? (systemIsDark?.matches ?? false) : theme === 'dark';
  document.documentElement.dataset['theme'] = dark ? 'dark' : 'light';
}

/** Changes the theme and keeps the choice. */
export function setTheme(theme: Theme): void {
  if (theme === 'system') localStorage.removeItem(KEY);
  else localStorage.setItem(KEY, theme);
  useTheme.setState({ theme });
}

useTheme.subscribe(paint);
systemIsDark?.addEventListener('change', paint);
paint();
