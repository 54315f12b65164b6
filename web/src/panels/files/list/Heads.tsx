import { useTranslation } from 'react-i18next';
import { cx } from '../../../look/cx';
import type { Order, SortKey } from './order';
import styles from './TorrentRow.module.css';

const heads = [
  ['name', styles.what],
  ['progress', styles.figure],
  ['down', styles.figure],
  ['up', styles.figure],
  ['ratio', cx(styles.figure, styles.wide)],
  ['left', styles.figure],
  ['peers', cx(styles.figure, styles.wide)],
] as const satisfies readonly (readonly [SortKey, string | undefined])[];

/** The list's heads; each orders it. */
export function Heads({ order, onSort }: { order: Order | null; onSort: (key: SortKey) => void }) {
  const { t } = useTranslation('files');
  return (
    <div role="rowgroup" className={styles.heads}>
      <div role="row" className={styles.row}>
        {heads.map(([key, look]) => {
          const sorted = order?.key === key ? (order.down ? 'descending' : 'ascending') : undefined;
          return (
            <div key={key} role="columnheader" aria-sort={sorted} className={look}>
              <button
                type="button"
                className={styles.sort}
                title={t('list.sortBy', { what: t(`sort.${key}`) })}
                onClick={() => onSort(key)}
              >
                {t(`sort.${key}`)}
                <span aria-hidden="true" className={styles.arrow}>
                  {sorted === 'descending' ? '↓' : sorted === 'ascending' ? '↑' : ''}
                </span>
              </button>
            </div>
          );
        })}
        <div role="columnheader">
          <span className="unseen">{t('list.actions')}</span>
        </div>
      </div>
    </div>
  );
}
