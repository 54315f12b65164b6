import { QueryClient, QueryClientProvider } from '@tanstack/react-query';
import { render, type RenderResult } from '@testing-library/react';
import type { ReactNode } from 'react';
import { I18nProvider } from 'react-aria-components/I18nProvider';
import { vi } from 'vitest';
import { i18next, type Language } from '../src/app/i18n';

/** Shows something as it stands in the page: with languages, queries and an address. */
export function stage(
  shown: ReactNode,
  { path = '/', language = 'en' }: { path?: string; language?: Language } = {},
): RenderResult {
  // All words are there from the start, so this takes effect at once.
  void i18next.changeLanguage(language);
  history.replaceState(null, '', path);
  const queries = new QueryClient({ defaultOptions: { queries: { retry: false } } });
  return render(
    <I18nProvider locale={language}>
      <QueryClientProvider client={queries}>{shown}</QueryClientProvider>
    </I18nProvider>,
  );
}

/** This DOM computes no layout; what measures itself is told this width. */
export function withWidth(width: number): void {
  vi.spyOn(HTMLElement.prototype, 'clientWidth', 'get').mockReturnValue(width);
}
