import { useTranslation } from 'react-i18next';
import { useFeed } from '../../../feed/store';
import type { EvidenceView } from '../../../feed/types';
import { count } from '../../../figures';
import { Card } from '../../../look/Card';
import { Empty } from '../../../look/Empty';
import { Table, type Column } from '../../../look/Table';
import { Who } from '../marks/Who';

/** Validators that contradicted themselves. */
export function Evidence() {
  const { t } = useTranslation('ledger');
  const evidence = useFeed((state) => state.ledger.evidence);
  const columns: Column<EvidenceView>[] = [
    { id: 'who', head: t('ring.validator'), cell: (row) => <Who address={row.validator} />, isRowHead: true },
    { id: 'what', head: t('evidence.what'), cell: (row) => t(`evidence.${row.what}`, { defaultValue: row.what }) },
    { id: 'height', head: t('evidence.height'), cell: (row) => count(row.height), figure: true },
    { id: 'round', head: t('evidence.round'), cell: (row) => count(row.round), figure: true },
  ];
  return (
    <Card title={t('evidence.title')}>
      {evidence.length === 0 ? (
        <Empty title={t('evidence.empty')}>{t('evidence.emptyText')}</Empty>
      ) : (
        <Table
          label={t('evidence.title')}
          columns={columns}
          rows={evidence.toReversed()}
          rowKey={(row) => `${row.validator} ${row.height} ${row.round} ${row.what}`}
          maxHeight={240}
        />
      )}
    </Card>
  );
}
