import { memo, useMemo, useState, type ReactNode } from 'react';
import { useTranslation } from 'react-i18next';
import { cx } from './cx';
import styles from './Table.module.css';

export interface Column<Row> {
  id: string;
  head: string;
  /** The head is read, not seen: for a column of buttons. */
  hideHead?: boolean;
  cell: (row: Row) => ReactNode;
  /** Figures stand at the right, so that their digits are under one another. */
  figure?: boolean;
  /** What it is sorted by when its head is pressed: figures from the greatest, words from A. */
  sort?: (row: Row) => number | string;
  /** A fixed width keeps the column where it is while its figures change. */
  width?: string;
  /** The cell that names the row. */
  isRowHead?: boolean;
}

export interface TableProps<Row> {
  /** Its name, for screen readers, unless a heading names it (`labelledBy`). */
  label: string;
  columns: readonly Column<Row>[];
  rows: readonly Row[];
  rowKey: (row: Row) => string;
  /** Shown instead when there are no rows. */
  empty?: ReactNode;
  /** Rows beyond it scroll below a head that stays. */
  maxHeight?: number;
  /** Marks a row as the chosen one. */
  selectedKey?: string | null;
}

interface Asked {
  column: string;
  down: boolean;
  /** The order of rows when it was asked for: rows stay where they are while their figures change. */
  keys: string[];
}

function inOrder<Row>(rows: readonly Row[], rowKey: (row: Row) => string, asked: Asked | null): readonly Row[] {
  if (!asked) return rows;
  const place = new Map(asked.keys.map((key, index) => [key, index]));
  const last = asked.keys.length;
  // New rows come last, in the order they came; the sort is stable.
  return [...rows].sort((a, b) => (place.get(rowKey(a)) ?? last) - (place.get(rowKey(b)) ?? last));
}

/** A dense table. It scrolls by itself when it is wider than its place, by keyboard too. */
export function Table<Row>({ label, columns, rows, rowKey, empty, maxHeight, selectedKey }: TableProps<Row>) {
  const { t } = useTranslation('look');
  const [asked, setAsked] = useState<Asked | null>(null);
  const shown = useMemo(() => inOrder(rows, rowKey, asked), [rows, rowKey, asked]);

  const ask = (column: Column<Row>) => {
    const by = column.sort;
    if (!by) return;
    const down = asked?.column === column.id ? !asked.down : (column.figure ?? false);
    const sorted = [...rows].sort((a, b) => {
      const [x, y] = [by(a), by(b)];
      const order = typeof x === 'number' && typeof y === 'number' ? x - y : String(x).localeCompare(String(y));
      return down ? -order : order;
    });
    setAsked({ column: column.id, down, keys: sorted.map(rowKey) });
  };

  if (rows.length === 0 && empty != null) return <>{empty}</>;
  return (
    <div
      role="group"
      aria-label={label}
      tabIndex={0}
      className={styles.scroll}
      style={maxHeight ? { maxHeight } : undefined}
    >
      <table className={styles.table}>
        <thead>
          <tr>
            {columns.map((column) => {
              const sorted = asked?.column === column.id ? (asked.down ? 'descending' : 'ascending') : undefined;
              return (
                <th
                  key={column.id}
                  scope="col"
                  aria-sort={sorted}
                  className={cx(column.figure && styles.figure)}
                  style={column.width ? { width: column.width, minWidth: column.width } : undefined}
                >
                  {column.sort ? (
                    <button
                      type="button"
                      className={styles.sort}
                      title={t('sort-by', { column: column.head })}
                      onClick={() => ask(column)}
                    >
                      {column.head}
                      <span aria-hidden="true" className={styles.arrow}>
                        {sorted === 'descending' ? '↓' : sorted === 'ascending' ? '↑' : ''}
                      </span>
                    </button>
                  ) : (
                    <span className={column.hideHead ? 'unseen' : undefined}>{column.head}</span>
                  )}
                </th>
              );
            })}
          </tr>
        </thead>
        <tbody>
          {shown.map((row) => {
            const key = rowKey(row);
            return (
              <Line
                key={key}
                row={row}
                columns={columns as readonly Column<unknown>[]}
                selected={key === selectedKey}
              />
            );
          })}
          {rows.length === 0 && (
            <tr>
              <td colSpan={columns.length} className={styles.nothing}>
                {t('table-empty')}
              </td>
            </tr>
          )}
        </tbody>
      </table>
    </div>
  );
}

// A row is drawn again only when its data is another object: 300 rows and one that changes cost one row.
const Line = memo(function Line({
  row,
  columns,
  selected,
}: {
  row: unknown;
  columns: readonly Column<unknown>[];
  selected: boolean;
}) {
  return (
    <tr aria-current={selected || undefined}>
      {columns.map((column) => {
        const Cell = column.isRowHead ? 'th' : 'td';
        return (
          <Cell
            key={column.id}
            {...(column.isRowHead && { scope: 'row' })}
            className={cx(column.figure && styles.figure)}
          >
            {column.cell(row)}
          </Cell>
        );
      })}
    </tr>
  );
});
