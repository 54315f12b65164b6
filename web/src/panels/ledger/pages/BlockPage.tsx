import { useQuery } from '@tanstack/react-query';
import { useTranslation } from 'react-i18next';
import { Failure } from '../../../api/Failure';
import { count, moment, timeOfDay } from '../../../figures';
import { Card } from '../../../look/Card';
import { Copy } from '../../../look/Copy';
import { Empty } from '../../../look/Empty';
import { Facts } from '../../../look/Facts';
import { Grid } from '../../../look/Grid';
import { Skeleton } from '../../../look/Skeleton';
import { TextLink } from '../../../look/TextLink';
import { fullness } from '../marks/gas';
import { Hash } from '../marks/Hash';
import { TransactionTable } from '../marks/TransactionTable';
import { useGenesis, useHeight } from '../chain/useChain';
import { Who } from '../marks/Who';
import { CheckCard } from '../light/CheckCard';
import { block, keys, type BlockDetail } from '../requests';
import { Back } from './Back';
import styles from './pages.module.css';

/** The blocks before and after it. */
function Steps({ height }: { height: number }) {
  const { t } = useTranslation('ledger');
  const head = useHeight();
  return (
    <span className={styles.steps}>
      {height > 0 && <TextLink to={`/ledger/block/${height - 1}`}>← {count(height - 1)}</TextLink>}
      {height < head && <TextLink to={`/ledger/block/${height + 1}`}>{count(height + 1)} →</TextLink>}
      {height >= head && <span>{t('block.newest')}</span>}
    </span>
  );
}

function Fields({ of }: { of: BlockDetail }) {
  const { t } = useTranslation('ledger');
  const at_ms = of.timestamp * 1000;
  const facts = [
    { term: t('block.hash'), value: <Copy text={of.hash} what={t('block.hash')} keep={12} /> },
    { term: t('block.time'), value: `${moment(at_ms)} (${timeOfDay(at_ms)})` },
    ...(of.height > 0
      ? [
          { term: t('block.proposer'), value: <Who address={of.proposer} /> },
          {
            term: t('block.round'),
            value: of.round == null ? '–' : `${count(of.round)}${of.round === 0 ? ` (${t('block.first')})` : ''}`,
          },
          {
            term: t('block.signers'),
            value: (
              <span className={styles.badges}>
                {of.signers.map((address) => (
                  <Who key={address} address={address} plain />
                ))}
              </span>
            ),
          },
        ]
      : []),
    {
      term: t('block.gas'),
      value: t('block.gasOf', {
        used: count(of.gas_used),
        limit: count(of.gas_limit),
        share: fullness(of.gas_used, of.gas_limit),
      }),
    },
    { term: t('block.fee'), value: t('wei', { amount: count(of.base_fee) }) },
    {
      term: t('block.parent'),
      value: of.height > 0 ? <Hash of={of.parent} kind="block" /> : t('block.none'),
    },
    { term: t('block.state'), value: <Copy text={of.state_root} what={t('block.state')} keep={12} /> },
    { term: t('block.next'), value: <Copy text={of.validators_hash} what={t('block.next')} keep={12} /> },
  ];
  return <Facts facts={facts} />;
}

/** A block: what it says, who signed it, what is in it. */
export function BlockPage({ id }: { id: string }) {
  const { t } = useTranslation('ledger');
  const genesis = useGenesis();
  const { data, error } = useQuery({
    queryKey: keys.block(genesis, id),
    queryFn: () => block(id),
    staleTime: Infinity,
  });
  if (!data) {
    return (
      <Grid>
        <Back />
        <Card title={t('block.title', { height: id.slice(0, 20) })}>
          {error === null ? <Skeleton height={360} /> : <Failure of={error} />}
        </Card>
      </Grid>
    );
  }
  const transactions = data.transactions;
  return (
    <Grid>
      <Back />
      <Card title={t('block.title', { height: count(data.height) })} action={<Steps height={data.height} />} span={7}>
        <Fields of={data} />
      </Card>
      <CheckCard height={data.height} />
      <Card
        title={t('block.transactions')}
        caption={
          transactions > data.list.length
            ? t('block.some', { shown: count(data.list.length), all: count(transactions) })
            : t('transactions', { count: transactions })
        }
      >
        {data.list.length === 0 ? (
          <Empty title={t(data.height === 0 ? 'block.genesis' : 'block.empty')}>
            {t(data.height === 0 ? 'block.genesisText' : 'block.emptyText')}
          </Empty>
        ) : (
          <TransactionTable label={t('block.transactions')} rows={data.list} block={false} maxHeight={560} />
        )}
      </Card>
    </Grid>
  );
}
