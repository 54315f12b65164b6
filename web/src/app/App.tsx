import { QueryClientProvider } from '@tanstack/react-query';
import { lazy, Suspense, useEffect } from 'react';
import { I18nProvider } from 'react-aria-components/I18nProvider';
import { useTranslation } from 'react-i18next';
import { begin, useSession, watchOtherTabs } from '../api/session';
import { startFeed } from '../feed/store';
import '../look/font.css';
import '../look/tokens.css';
import '../look/base.css';
import { ToastRegion } from '../look/ToastRegion';
import { Frame } from './Frame';
import './i18n';
import { queries } from './queries';
import './theme';

const Login = lazy(() => import('./Login').then(({ Login }) => ({ default: Login })));

/** Who is signed in sees the node; who is not is told how to. */
function Door() {
  const state = useSession((session) => session.state);
  if (state === 'starting') return null;
  if (state === 'in') return <Frame />;
  return (
    <Suspense>
      <Login />
    </Suspense>
  );
}

/** The whole page. */
export function App() {
  const { i18n } = useTranslation();
  useEffect(() => {
    void begin();
    const ends = [startFeed(), watchOtherTabs()];
    return () => ends.forEach((end) => end());
  }, []);
  return (
    <I18nProvider locale={i18n.language}>
      <QueryClientProvider client={queries}>
        <Door />
        <ToastRegion />
      </QueryClientProvider>
    </I18nProvider>
  );
}
