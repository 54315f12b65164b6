import { useTranslation } from 'react-i18next';
import type { PathKind } from '../../feed/types';
import styles from './PathWord.module.css';

/** How a peer is connected now: a line drawn as the map draws it, and the word for it. */
export function PathWord({ path }: { path: PathKind | null | undefined }) {
  const { t } = useTranslation('peers');
  const kind = path ?? 'none';
  return (
    <span className={styles.path}>
      <svg width="20" height="10" viewBox="0 0 20 10" aria-hidden="true" className={styles[kind]}>
        {kind === 'none' ? <circle cx="10" cy="5" r="3.5" /> : <path d="M1 5h18" />}
      </svg>
      {t(`path.${kind}`)}
    </span>
  );
}
