import { useTranslation } from 'react-i18next';
import { useFeed } from '../../../feed/store';
import { count, percent } from '../../../figures';
import { Card } from '../../../look/Card';
import { GraphTable } from '../../../look/GraphTable';
import { useBlocks, useHeight } from '../chain/useChain';
import { useValidators } from '../chain/useValidators';
import { Changes } from './Changes';
import { Ring } from './Ring';
import { RingLegend } from './RingLegend';
import { RingTable } from './RingTable';
import styles from './Validators.module.css';

/** Who decides: a ring, and the same as a table. */
export function Validators() {
  const { t } = useTranslation('ledger');
  const validators = useValidators();
  const blocks = useBlocks();
  const height = useHeight();
  const [round, running, proposer] = useFeed((state) => {
    const chain = state.ledger.chain;
    return [chain?.round ?? null, chain?.round_height ?? null, chain?.proposer ?? null];
  });
  const last = blocks?.find((block) => block.height === height) ?? blocks?.[0];
  const signed = new Set(last?.signers.map((one) => one.toLowerCase()));
  const power = validators.list.reduce((sum, one) => sum + (signed.has(one.address.toLowerCase()) ? one.power : 0), 0);
  const turn = proposer === null ? null : validators.face(proposer);
  const label = t('ring.label', {
    count: validators.list.length,
    signed: validators.list.filter((one) => signed.has(one.address.toLowerCase())).length,
    power: percent(validators.total > 0 ? power / validators.total : 0),
  });
  return (
    <Card title={t('ring.title')} caption={t('ring.caption')}>
      <p className={styles.round}>
        {turn && running !== null
          ? t(running <= height ? 'ring.was' : round ? 'ring.turnAgain' : 'ring.turn', {
              who: `${turn.letter} ${turn.me ? t('this-node') : turn.name}`.trim(),
              height: count(running),
              round: count(round ?? 0),
            })
          : '\u00a0'}
      </p>
      <GraphTable
        label={t('ring.title')}
        graph={<Ring validators={validators} last={last} proposer={proposer} height={height} label={label} />}
        table={<RingTable validators={validators} blocks={blocks ?? []} proposer={proposer} />}
        legend={<RingLegend />}
      />
      <Changes />
    </Card>
  );
}
