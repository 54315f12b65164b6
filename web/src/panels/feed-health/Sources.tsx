import { useMemo } from 'react';
import { useTranslation } from 'react-i18next';
import { useNow } from '../../app/useNow';
import { feedState } from '../../feed/store';
import { count, percent } from '../../figures';
import { Card } from '../../look/Card';
import { Empty } from '../../look/Empty';
import { Meter } from '../../look/Meter';
import { Table, type Column } from '../../look/Table';
import { bySource, type SourceCount } from './measures';

/** Which sources speak, and what they tell of most. */
export function Sources() {
  const { t } = useTranslation('feed-health');
  useNow(1000);
  const { recent } = feedState();
  const rows = useMemo(() => bySource(recent), [recent]);
  const columns: Column<SourceCount>[] = [
    { id: 'source', head: t('sources.source'), isRowHead: true, cell: ({ source }) => source, width: '96px' },
    {
      id: 'share',
      head: t('sources.share'),
      cell: ({ source, share }) => (
        <Meter label={t('sources.share-of', { source })} value={share} text={percent(share)} />
      ),
    },
    { id: 'kind', head: t('sources.kind'), cell: ({ kind }) => <code>{kind}</code>, width: '160px' },
    { id: 'count', head: t('sources.count'), figure: true, cell: (row) => count(row.count), width: '92px' },
  ];
  return (
    <Card
      title={t('sources.title')}
      caption={rows.length > 0 && t('sources.caption', { count: recent.length })}
      span={7}
    >
      <Table
        label={t('sources.title')}
        columns={columns}
        rows={rows}
        rowKey={({ source }) => source}
        empty={<Empty title={t('sources.empty')}>{t('sources.empty-text')}</Empty>}
      />
    </Card>
  );
}
