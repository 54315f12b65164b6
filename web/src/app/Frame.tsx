import { Suspense, useEffect, useRef } from 'react';
import { useTranslation } from 'react-i18next';
import { useLocation } from 'wouter';
import { useFeed } from '../feed/store';
import { Card } from '../look/Card';
import { Skeleton } from '../look/Skeleton';
import { shownName } from '../look/Name';
import { TextLink } from '../look/TextLink';
import type { Panel } from '../panels/panel';
import styles from './Frame.module.css';
import { Header } from './Header';
import { Nav } from './Nav';
import { Notices } from './Notices';
import { PanelBoundary } from './PanelBoundary';
import { forgetPage, pageOf, panelAt } from './routes';
import { useFirstRun } from './useFirstRun';

function NotFound() {
  const { t } = useTranslation();
  return (
    <Card title={t('not-found.text')}>
      <TextLink to="/">{t('not-found.back')}</TextLink>
    </Card>
  );
}

function Content({ panel }: { panel: Panel }) {
  // Kept by the panel's id: the same component at every render.
  const Page = pageOf(panel);
  // eslint-disable-next-line react-hooks/static-components
  return <Page />;
}

function Page({ panel }: { panel: Panel }) {
  return (
    <PanelBoundary key={panel.id} onAgain={() => forgetPage(panel)}>
      <Suspense fallback={<Skeleton height={480} />}>
        <Content panel={panel} />
      </Suspense>
    </PanelBoundary>
  );
}

/** After a step from panel to panel, reading goes on at the new panel's title. */
function useFocusOnTitle(panel: Panel | undefined) {
  const before = useRef(panel);
  useEffect(() => {
    if (before.current === panel) return;
    before.current = panel;
    scrollTo(0, 0);
    document.getElementById('title')?.focus({ preventScroll: true });
  }, [panel]);
}

/** The page of somebody who is signed in: navigation, status, and one panel. */
export function Frame() {
  const { t } = useTranslation();
  const [path] = useLocation();
  const panel = panelAt(path);
  const device = useFeed((state) => state.node.status?.device_name ?? '');
  const title = panel ? t('title', { ns: panel.id }) : t('not-found.title');
  useFirstRun();
  useFocusOnTitle(panel);
  useEffect(() => {
    document.title = [title, device && shownName(device, 40), t('weft')].filter(Boolean).join(' · ');
  }, [title, device, t]);

  if (panel?.bare) {
    return (
      <main id="content" className={styles.bare}>
        <Page panel={panel} />
      </main>
    );
  }
  return (
    <div className={styles.frame}>
      <a href="#content" className={styles.skip}>
        {t('skip')}
      </a>
      <Nav current={panel} />
      <main id="content" tabIndex={-1} className={styles.main}>
        <Notices />
        <Header panel={panel} title={title} />
        {panel ? <Page panel={panel} /> : <NotFound />}
      </main>
    </div>
  );
}
