import { useQueryClient } from '@tanstack/react-query';
import { useTranslation } from 'react-i18next';
import { count, moment } from '../../../figures';
import { Button } from '../../../look/Button';
import { Card } from '../../../look/Card';
import { Skeleton } from '../../../look/Skeleton';
import { useGenesis } from '../chain/useChain';
import type { Checked } from './check';
import styles from './Check.module.css';
import { LightError } from './error';
import { forgetTrust } from './trust';
import { useCheck } from './useCheck';
import { flawWords, signedWords } from './words';

/** What was found, step by step. */
function Found({ checked }: { checked: Checked }) {
  const { t } = useTranslation('ledger');
  const { header, named, signed, trust, first, followed, round } = checked;
  const steps: { id: string; holds: boolean; words: string }[] = [];
  if (signed || header) {
    const words = t(header ? 'check.step.header' : 'check.step.noHeader');
    steps.push({ id: 'header', holds: header === true, words });
  }
  if (signed) {
    steps.push(
      { id: 'named', holds: true, words: t(named ? 'check.step.named' : 'check.step.believed') },
      { id: 'signed', holds: true, words: t('check.step.signed', { count: signed.signatures, round: count(round) }) },
      { id: 'quorum', holds: true, words: t('check.step.quorum') },
    );
  }
  if (followed > 0) steps.push({ id: 'followed', holds: true, words: t('check.step.followed', { count: followed }) });
  const since = { height: count(trust.from), time: moment(trust.since_ms) };
  return (
    <>
      <p className={styles.result}>{t('check.holds', { signed: signedWords(t, checked) })}</p>
      <ul className={styles.steps}>
        {steps.map(({ id, holds, words }) => (
          <li key={id} data-holds={holds}>
            <span className={styles.sign} aria-hidden="true">
              {holds ? '✓' : '–'}
            </span>
            {words}
          </li>
        ))}
      </ul>
      {signed && (
        <details>
          <summary>{t('check.rests')}</summary>
          <p className={styles.rests}>{t(first ? 'check.began' : 'check.since', since)}</p>
          <p className={styles.rests}>{t('check.notSeen')}</p>
        </details>
      )}
    </>
  );
}

/** A block, checked in this browser and not by the node's word. */
export function CheckCard({ height, span = 5 }: { height: number; span?: 5 | 12 }) {
  const { t } = useTranslation('ledger');
  const genesis = useGenesis();
  const client = useQueryClient();
  const { data, error, isFetching, refetch } = useCheck(genesis, height);
  const flaw = error === null ? null : flawWords(t, error);
  const other = error instanceof LightError && ['older', 'set-unproven'].includes(error.flaw);
  const anew = () => {
    forgetTrust(genesis);
    void client.resetQueries({ queryKey: ['ledger', genesis, 'checked'] });
  };
  return (
    <Card title={t('check.title')} span={span}>
      <div className={styles.card} aria-live="polite" aria-busy={isFetching}>
        {flaw ? (
          <>
            <p className={flaw.undecided ? styles.unsure : styles.wrong}>
              {t(flaw.undecided ? 'check.open' : 'check.fails')} {flaw.words}
            </p>
            <div className={styles.actions}>
              <Button small onPress={() => void refetch()} isPending={isFetching}>
                {t('check.again')}
              </Button>
              {other && (
                <Button small onPress={anew}>
                  {t('check.anew')}
                </Button>
              )}
            </div>
            {other && <p className="quiet">{t('check.anewText')}</p>}
          </>
        ) : data ? (
          <Found checked={data} />
        ) : (
          <Skeleton height={140} />
        )}
      </div>
    </Card>
  );
}
