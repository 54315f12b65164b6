import { useTranslation } from 'react-i18next';
import { Card } from '../../../look/Card';
import { Empty } from '../../../look/Empty';
import { Skeleton } from '../../../look/Skeleton';
import { TransactionTable } from '../marks/TransactionTable';
import { useHeld } from '../chain/useHeld';
import { useRecent } from '../chain/useRecent';

const MOST = 50;

/** The last transactions that are final. */
export function Latest() {
  const { t } = useTranslation('ledger');
  const { details, known } = useRecent(6);
  const all = details.flatMap(({ list }) => list.toReversed()).slice(0, MOST);
  const { shown: rows, holding } = useHeld(all);
  return (
    <Card title={t('latest.title')} caption={t('latest.caption')}>
      {rows.length > 0 ? (
        <div {...holding}>
          <TransactionTable label={t('latest.title')} rows={rows} maxHeight={320} />
        </div>
      ) : known ? (
        <Empty title={t('latest.empty')}>{t('latest.emptyText')}</Empty>
      ) : (
        <Skeleton height={240} />
      )}
    </Card>
  );
}
