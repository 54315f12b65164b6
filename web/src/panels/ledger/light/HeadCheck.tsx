import { useState } from 'react';
import { useTranslation } from 'react-i18next';
import { useFeed } from '../../../feed/store';
import { count } from '../../../figures';
import { TextLink } from '../../../look/TextLink';
import { useGenesis, useHeight } from '../chain/useChain';
import { useSlow } from '../chain/useSlow';
import styles from './Check.module.css';
import { useCheck } from './useCheck';
import { flawWords, signedWords } from './words';

const EVERY_MS = 2_000;

/** Whether the newest block is what the node says, as this browser finds by itself. The last answer stays until the next. */
export function HeadCheck() {
  const { t } = useTranslation('ledger');
  const genesis = useGenesis();
  const height = useHeight();
  const live = useFeed((state) => state.replay === null && state.connection === 'live');
  const at = useSlow(height, String(height), EVERY_MS);
  const { data, error } = useCheck(genesis, live && at > 0 ? at : undefined);
  const [last, setLast] = useState({ data, error });
  if ((data || error) && (data !== last.data || error !== last.error)) setLast({ data, error });
  if (last.error) {
    const { words, undecided } = flawWords(t, last.error);
    return (
      <span className={undecided ? styles.unsure : styles.wrong} role={undecided ? undefined : 'alert'}>
        {words}
      </span>
    );
  }
  if (!last.data) return <span className="quiet">{at > 0 ? t('check.running') : ''}</span>;
  return (
    <span className={styles.head}>
      <TextLink to={`/ledger/block/${last.data.height}`}>
        {t('check.head', { height: count(last.data.height), signed: signedWords(t, last.data) })}
      </TextLink>
    </span>
  );
}
