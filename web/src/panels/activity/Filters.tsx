import { useTranslation } from 'react-i18next';
import type { FeedRecord } from '../../feed/types';
import { Field } from '../../look/Field';
import { shownName } from '../../look/Name';
import { Select } from '../../look/Select';
import { usePeerNames } from '../../threads';
import { peerOf, type Filter } from './filter';
import styles from './Filters.module.css';

const ALL = '';

function distinct(values: Iterable<string | null>): string[] {
  return [...new Set(values)].filter((value) => value !== null);
}

/** What of the feed is shown. The choices are what is among the events. */
export function Filters({
  records,
  filter,
  onChange,
}: {
  records: readonly FeedRecord[];
  filter: Filter;
  onChange: (filter: Filter) => void;
}) {
  const { t } = useTranslation('activity');
  const nameOf = usePeerNames();
  const sources = distinct(['files', 'network', 'people', 'node', ...records.map((record) => record.source)]);
  const of = records.filter((record) => filter.source === null || record.source === filter.source);
  const kinds = distinct([...of.map((record) => record.kind), filter.kind]).sort();
  const peers = distinct([...records.map(peerOf), filter.peer]);
  const named = peers.map((value) => ({ value, label: shownName(nameOf(value), 40) }));
  named.sort((a, b) => a.label.localeCompare(b.label));
  return (
    <div className={styles.filters}>
      <Select
        label={t('filter.source')}
        value={filter.source ?? ALL}
        onChange={(source) => onChange({ ...filter, source: source || null, kind: null })}
        options={[
          { value: ALL, label: t('filter.all') },
          ...sources.map((value) => ({ value, label: t(`source.${value}`, { defaultValue: value }) })),
        ]}
      />
      <Select
        label={t('filter.kind')}
        value={filter.kind ?? ALL}
        onChange={(kind) => onChange({ ...filter, kind: kind || null })}
        options={[{ value: ALL, label: t('filter.allKinds') }, ...kinds.map((value) => ({ value, label: value }))]}
      />
      <Select
        label={t('filter.peer')}
        value={filter.peer ?? ALL}
        onChange={(peer) => onChange({ ...filter, peer: peer || null })}
        options={[{ value: ALL, label: t('filter.anybody') }, ...named]}
      />
      <Field label={t('filter.text')} value={filter.text} onChange={(text) => onChange({ ...filter, text })} />
    </div>
  );
}
