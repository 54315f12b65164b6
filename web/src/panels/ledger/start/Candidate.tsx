import { useQuery } from '@tanstack/react-query';
import { useTranslation } from 'react-i18next';
import { Failure } from '../../../api/Failure';
import { Card } from '../../../look/Card';
import { Copy } from '../../../look/Copy';
import { Skeleton } from '../../../look/Skeleton';
import { candidate, keys } from '../requests';
import styles from './start.module.css';

/** What names this node to whoever makes a chain with it. */
export function Candidate() {
  const { t } = useTranslation('ledger');
  const { data, error } = useQuery({ queryKey: keys.candidate, queryFn: candidate, staleTime: 60_000 });
  return (
    <Card title={t('candidate.title')}>
      <div className={styles.line}>
        <p className={styles.what}>{t('candidate.text')}</p>
        {data ? (
          <Copy text={data.candidate} what={t('candidate.what')} keep={24} />
        ) : (
          error === null && <Skeleton height={24} />
        )}
        <Failure of={error} />
      </div>
    </Card>
  );
}
