import { useQuery } from '@tanstack/react-query';
import { useTranslation } from 'react-i18next';
import { Failure } from '../../../api/Failure';
import { Card } from '../../../look/Card';
import { Empty } from '../../../look/Empty';
import { Skeleton } from '../../../look/Skeleton';
import { TransactionTable } from '../marks/TransactionTable';
import { useGenesis } from '../chain/useChain';
import { keys, waiting } from '../requests';
import styles from './Overview.module.css';
import { useStatus } from './useStatus';

/** What waits on this node to be taken into a block. */
export function Pool() {
  const { t } = useTranslation('ledger');
  const genesis = useGenesis();
  const { data: status } = useStatus();
  const pool = status?.chain?.pool;
  const { data, error } = useQuery({
    queryKey: keys.waiting(genesis),
    queryFn: waiting,
    refetchInterval: 2_000,
  });
  const caption = pool && t('pool.caption', { pending: pool.pending, queued: pool.queued });
  return (
    <Card title={t('pool.title')} caption={caption}>
      <div className={styles.pool}>
        {data === undefined ? (
          error === null && <Skeleton height={80} />
        ) : data.length === 0 ? (
          <Empty title={t('pool.empty')}>{t('pool.emptyText')}</Empty>
        ) : (
          <TransactionTable label={t('pool.title')} rows={data} block={false} maxHeight={112} />
        )}
      </div>
      <Failure of={error} />
    </Card>
  );
}
