import { useEffect, useRef } from 'react';
import { useTranslation } from 'react-i18next';
import { Link } from 'wouter';
import { useFeed } from '../feed/store';
import type { Panel } from '../panels/panel';
import { panels } from '../panels/registry';
import { Brand } from './Brand';
import { DeviceMenu } from './DeviceMenu';
import styles from './Nav.module.css';

function Badge({ of }: { of: NonNullable<Panel['badge']> }) {
  const badge = useFeed(of);
  return badge === undefined || badge === 0 || badge === '' ? null : <span className={styles.badge}>{badge}</span>;
}

/** On a narrow page the panels are a row that scrolls: where one is, is in sight. */
function useInSight(current: Panel | undefined) {
  const nav = useRef<HTMLElement>(null);
  useEffect(() => {
    const row = nav.current;
    const link = row?.querySelector<HTMLElement>('[aria-current]');
    if (row && link) row.scrollLeft = link.offsetLeft - row.offsetLeft - 24;
  }, [current]);
  return nav;
}

/** The panels, and below them whose node this is. */
export function Nav({ current }: { current: Panel | undefined }) {
  const { t } = useTranslation();
  const nav = useInSight(current);
  return (
    <div className={styles.side}>
      <Brand className={styles.brand} />
      <nav ref={nav} aria-label={t('panels')} className={styles.nav}>
        <ul>
          {panels
            .filter((panel) => panel.nav)
            .map((panel) => (
              <li key={panel.id}>
                <Link href={panel.path} className={styles.link} aria-current={panel === current ? 'page' : undefined}>
                  {t('nav', { ns: panel.id })}
                  {panel.badge && <Badge of={panel.badge} />}
                </Link>
              </li>
            ))}
        </ul>
      </nav>
      <DeviceMenu />
    </div>
  );
}
