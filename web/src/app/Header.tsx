import { useTranslation } from 'react-i18next';
import { useFeed } from '../feed/store';
import { bytes, rate } from '../figures';
import { Figure } from '../look/Figure';
import { cx } from '../look/cx';
import type { Panel } from '../panels/panel';
import styles from './Header.module.css';
import { connectedPeers } from './problems';
import { useStatus } from './status';

/** Rates of all content, with a fixed width: nothing moves when they change. */
function Rates() {
  const { t } = useTranslation();
  const down = useFeed((state) => state.files.totals?.rate_down ?? 0);
  const up = useFeed((state) => state.files.totals?.rate_up ?? 0);
  return (
    <div className={styles.rates}>
      <Figure large align="end" value={`↓ ${rate(down)}`} label={t('receiving')} className={styles.rate} />
      <Figure large align="end" value={`↑ ${rate(up)}`} label={t('giving')} className={styles.rate} />
    </div>
  );
}

/** How many peers, by which paths, and what idling cost today. */
function Subline() {
  const { t } = useTranslation();
  const known = useFeed((state) => state.network.status !== null);
  const { direct, relayed } = useFeed(connectedPeers);
  const idle = useFeed((state) => state.node.sample?.idle.bytes);
  if (!known) return <>&nbsp;</>;
  const count = direct + relayed;
  const paths =
    relayed === 0 ? t('sub.all-direct') : direct === 0 ? t('sub.all-relayed') : t('sub.paths', { direct, relayed });
  return (
    <>
      {count === 0 ? `${t('sub.nobody')}.` : `${t('sub.peers', { count })}, ${paths}.`}
      {idle !== undefined && ` ${t('sub.idle', { bytes: bytes(idle) })}`}
    </>
  );
}

/** One sentence says how things are. On the overview it is the headline, elsewhere it stands below the panel's name. */
export function Header({ panel, title }: { panel: Panel | undefined; title: string }) {
  const status = useStatus();
  const sentence = (
    <span role="status" className={cx(styles.sentence, status.tone && styles[status.tone])}>
      {status.sentence}
    </span>
  );
  const first = panel?.path === '/';
  return (
    <header className={styles.header}>
      <div className={styles.words}>
        <h1 id="title" tabIndex={-1}>
          {first ? sentence : title}
        </h1>
        <p className={styles.sub}>{first ? <Subline /> : sentence}</p>
      </div>
      <Rates />
    </header>
  );
}
