import { memo } from 'react';
import { useTranslation } from 'react-i18next';
import { Link } from 'wouter';
import type { BlockView } from '../../../feed/types';
import { count, timeOfDay } from '../../../figures';
import { Badge } from '../marks/Badge';
import { fullness } from '../marks/gas';
import type { Face } from '../chain/useValidators';
import styles from './Blocks.module.css';

/** A block: as full as its gas, in the colour of who made it. */
export const BlockCell = memo(function BlockCell({ block, face }: { block: BlockView; face: Face | null }) {
  const { t } = useTranslation('ledger');
  const share = block.gas_limit > 0 ? block.gas_used / block.gas_limit : 0;
  const words = t(block.height === 0 ? 'blocks.genesis' : 'blocks.one', {
    height: count(block.height),
    transactions: t('transactions', { count: block.transactions }),
    gas: fullness(block.gas_used, block.gas_limit),
    name: face ? `${face.letter} ${face.me ? t('this-node') : face.name}`.trim() : '',
    time: timeOfDay(block.timestamp * 1000),
  });
  return (
    <Link href={`/ledger/block/${block.height}`} className={styles.cell} title={words}>
      <span className="unseen">{words}</span>
      <span className={styles.height} aria-hidden="true">
        {count(block.height)}
      </span>
      <span
        className={styles.body}
        aria-hidden="true"
        style={{ '--dye': face?.thread.colour ?? 'var(--edge)' } as React.CSSProperties}
      >
        <span className={styles.fill} style={{ height: share > 0 ? `max(3px, ${share * 100}%)` : 0 }} />
        <span className={block.transactions === 0 ? styles.none : styles.count}>{count(block.transactions)}</span>
      </span>
      {face && <Badge face={face} />}
    </Link>
  );
});
