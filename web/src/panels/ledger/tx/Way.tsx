import type { ReactNode } from 'react';
import { useTranslation } from 'react-i18next';
import { count, percent } from '../../../figures';
import { cx } from '../../../look/cx';
import { TextLink } from '../../../look/TextLink';
import { Badge } from '../marks/Badge';
import { useValidators } from '../chain/useValidators';
import { Who } from '../marks/Who';
import type { Transaction } from '../requests';
import styles from './Way.module.css';

type Doing = 'done' | 'now' | 'later' | 'gone';

interface Step {
  id: string;
  doing: Doing;
  title: string;
  text: ReactNode;
}

function Verified({ by }: { by: readonly string[] }) {
  const { t } = useTranslation('ledger');
  const { face, total } = useValidators();
  const faces = by.map(face);
  const power = faces.reduce((sum, { validator }) => sum + (validator?.power ?? 0), 0);
  // Those who signed may have left since; then their power is not known here.
  const known = faces.every(({ validator }) => validator !== undefined);
  return (
    <>
      <span className={styles.badges}>
        {faces.map((one) => (
          <span key={one.address} title={one.name}>
            <Badge face={one} />
            <span className="unseen">
              {one.letter} {one.name}
            </span>
          </span>
        ))}
      </span>
      {known && total > 0 && <span>{t('way.power', { share: percent(power / total) })}</span>}
    </>
  );
}

/** A transaction's way from who sends it into a block that stays. */
export function Way({
  of,
  proposer,
  gone = false,
  narrow = false,
}: {
  of: Transaction;
  /** Who made its block, where that is known. */
  proposer?: string | undefined;
  /** It left the pool without a block. */
  gone?: boolean;
  narrow?: boolean;
}) {
  const { t } = useTranslation('ledger');
  const final = of.stage === 'final';
  const out = !final && (gone || of.stage === 'dropped' || of.stage === 'replaced');
  const after: Doing = final ? 'done' : out ? 'gone' : 'later';
  const pool = final || out ? 'way.left' : of.stage === 'queued' ? 'way.queued' : 'way.pending';
  const steps: Step[] = [
    { id: 'submitted', doing: 'done', title: t('way.submitted'), text: <Who address={of.from} plain /> },
    { id: 'pool', doing: final || out ? 'done' : 'now', title: t('way.pool'), text: t(pool) },
    {
      id: 'block',
      doing: after,
      title: t('way.block'),
      text:
        of.height != null ? (
          <>
            <TextLink to={`/ledger/block/${of.height}`}>{count(of.height)}</TextLink>
            {proposer !== undefined && (
              <span className={styles.by}>
                {t('way.by')} <Who address={proposer} plain />
              </span>
            )}
          </>
        ) : (
          t(out ? 'way.never' : 'way.waits')
        ),
    },
    {
      id: 'verified',
      doing: after,
      title: t('way.verified'),
      text: final ? <Verified by={of.verified_by} /> : '–',
    },
    {
      id: 'final',
      doing: after,
      title: t('way.final'),
      text: final ? t(of.succeeded === false ? 'way.failed' : 'way.stays') : '–',
    },
  ];
  const at = steps.findLast(({ doing }) => doing === 'now' || doing === 'done');
  return (
    <>
      <ol className={cx(styles.way, narrow && styles.narrow)} aria-label={t('way.label')}>
        {steps.map((step) => (
          <li key={step.id} data-doing={step.doing} {...(step.doing === 'now' && { 'aria-current': 'step' as const })}>
            <span className={styles.mark} aria-hidden="true" />
            <strong className={styles.title}>{step.title}</strong>
            <span className="unseen">{t(`way.is.${step.doing}`)}</span>
            {!narrow && <span className={styles.text}>{step.text}</span>}
          </li>
        ))}
      </ol>
      {narrow && (
        <p className={styles.now}>
          {final && of.height != null ? (
            <>
              {t('way.block')} <TextLink to={`/ledger/block/${of.height}`}>{count(of.height)}</TextLink>
              <span aria-hidden="true">·</span>
              <Verified by={of.verified_by} />
              <span aria-hidden="true">·</span>
            </>
          ) : null}
          <span>{at?.text}</span>
        </p>
      )}
    </>
  );
}
