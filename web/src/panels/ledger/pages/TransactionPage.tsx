import { useQuery } from '@tanstack/react-query';
import { useTranslation } from 'react-i18next';
import { Failure } from '../../../api/Failure';
import { count } from '../../../figures';
import { Card } from '../../../look/Card';
import { Copy } from '../../../look/Copy';
import { Facts } from '../../../look/Facts';
import { Grid } from '../../../look/Grid';
import { shownName } from '../../../look/Name';
import { Skeleton } from '../../../look/Skeleton';
import { CallData } from '../abi/CallData';
import { LogList } from '../abi/LogList';
import { Coins } from '../marks/Coins';
import { useGenesis } from '../chain/useChain';
import { Who } from '../marks/Who';
import { CheckCard } from '../light/CheckCard';
import { block, keys, type Transaction } from '../requests';
import { useTransaction } from '../tx/useTransaction';
import { Way } from '../tx/Way';
import { Back } from './Back';

function Fields({ of }: { of: Transaction }) {
  const { t } = useTranslation('ledger');
  const facts = [
    { term: t('tx.hash'), value: <Copy text={of.hash} what={t('tx.hash')} keep={12} /> },
    { term: t('tx.from'), value: <Who address={of.from} /> },
    { term: t('tx.to'), value: of.to != null ? <Who address={of.to} /> : t('tx.makes') },
    ...(of.contract != null ? [{ term: t('tx.contract'), value: <Who address={of.contract} /> }] : []),
    { term: t('tx.value'), value: <Coins wei={of.value} /> },
    ...(of.fee != null ? [{ term: t('tx.fee'), value: <Coins wei={of.fee} /> }] : []),
    { term: t('tx.nonce'), value: count(of.nonce) },
    {
      term: t('tx.gas'),
      value:
        of.gas_used != null
          ? t('tx.gasOf', { used: count(of.gas_used), limit: count(of.gas_limit) })
          : count(of.gas_limit),
    },
    ...(of.reason != null ? [{ term: t('tx.reason'), value: <bdi>{shownName(of.reason, 400)}</bdi> }] : []),
  ];
  return <Facts facts={facts} />;
}

/** A transaction: its way, what it says, what came of it. */
export function TransactionPage({ hash }: { hash: string }) {
  const { t } = useTranslation('ledger');
  const genesis = useGenesis();
  const { data, error } = useTransaction(hash);
  const height = data?.height;
  const { data: inBlock } = useQuery({
    queryKey: keys.block(genesis, String(height)),
    queryFn: () => block(String(height)),
    enabled: height != null,
    staleTime: Infinity,
  });
  return (
    <Grid>
      <Back />
      <Card title={t('tx.title')}>
        {data ? (
          <Way of={data} proposer={inBlock?.proposer} gone={error !== null} />
        ) : (
          error === null && <Skeleton height={100} />
        )}
        <Failure of={error} />
      </Card>
      {data && (
        <Card title={t('tx.says')} span={7}>
          <Fields of={data} />
        </Card>
      )}
      {height != null && <CheckCard height={height} />}
      {data && data.data_bytes > 0 && <CallData of={data} />}
      {data && data.logs.length > 0 && <LogList logs={data.logs} />}
    </Grid>
  );
}
