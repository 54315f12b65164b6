import { useTranslation } from 'react-i18next';
import './strings';
import { Mark } from './Mark';
import { UNDYED, type NameOf, type ThreadOf } from './thread';
import styles from './Legend.module.css';

/** A dozen names can be read beside a graph; the rest are in its table. */
const MOST = 12;

export interface LegendProps {
  peers: string[];
  threadOf: ThreadOf;
  nameOf: NameOf;
}

/** Whose thread has which colour, and what the other marks mean. */
export function Legend({ peers, threadOf, nameOf }: LegendProps) {
  const { t } = useTranslation('weave');
  const shown = peers.slice(0, MOST);
  // A device that was met by several addresses is drawn in one thread: it is named once.
  const said = new Set<string>();
  const isAgain = (peer: string) => {
    const { index, pattern } = threadOf(peer);
    const words = `${String(index)} ${String(pattern)} ${nameOf(peer)}`;
    const again = peer !== UNDYED && said.has(words);
    said.add(words);
    return again;
  };
  return (
    <ul className={styles.legend}>
      {shown.map((peer) => (
        <li key={peer} data-peer={peer} hidden={isAgain(peer)}>
          <Mark peer={peer} threadOf={threadOf} />
          <bdi>{peer === UNDYED ? t('already') : nameOf(peer)}</bdi>
        </li>
      ))}
      {peers.length > MOST && <li>{t('more', { count: peers.length - MOST })}</li>}
      <li>
        <i className={styles.missing} aria-hidden="true" />
        {t('missing')}
      </li>
      <li>
        <i className={styles.reading} aria-hidden="true" />
        {t('reading')}
      </li>
    </ul>
  );
}
