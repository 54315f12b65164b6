import { useTranslation } from 'react-i18next';
import { useFeed } from '../../../feed/store';
import { count } from '../../../figures';
import { Field } from '../../../look/Field';
import { Select } from '../../../look/Select';
import { counted, filters, type Filter } from './filter';
import { sortKeys, type Order, type SortKey } from './order';
import styles from './Toolbar.module.css';

interface ToolbarProps {
  filter: Filter;
  onFilter: (filter: Filter) => void;
  search: string;
  onSearch: (search: string) => void;
  order: Order | null;
  onSort: (key: SortKey, down?: boolean) => void;
}

/** What narrows the list, and what orders it where its heads have no room. */
export function Toolbar({ filter, onFilter, search, onSearch, order, onSort }: ToolbarProps) {
  const { t } = useTranslation('files');
  const counts = useFeed((state) => counted(state.files.torrents));
  return (
    <div className={styles.toolbar}>
      <div className={styles.filters} role="group" aria-label={t('list.filter')}>
        {filters.map((one) => (
          <button key={one} type="button" aria-pressed={filter === one} onClick={() => onFilter(one)}>
            {t(`filter.${one}`)} <span>{count(counts[one])}</span>
          </button>
        ))}
      </div>
      <div className={styles.search}>
        <Field
          label={t('list.search')}
          hideLabel
          placeholder={t('list.search')}
          type="search"
          value={search}
          onChange={onSearch}
          maxLength={200}
        />
      </div>
      <div className={styles.sort}>
        <Select
          label={t('list.sort')}
          hideLabel
          value={order?.key ?? 'added'}
          options={sortKeys.map((key) => ({ value: key, label: t('list.by', { what: t(`sort.${key}`) }) }))}
          onChange={(key) => onSort(key)}
        />
      </div>
    </div>
  );
}
