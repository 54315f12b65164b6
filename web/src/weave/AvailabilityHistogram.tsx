import { useMemo, useRef } from 'react';
import { useTranslation } from 'react-i18next';
import { count } from '../figures';
import { GraphTable } from '../look/GraphTable';
import { Table, type Column } from '../look/Table';
import './strings';
import { clothOf, gather, type Cloth, type WeaveMap } from './cloth';
import { columnsVisible } from './geometry';
import { byHolders, rarest, type Holders, type Rarest } from './rarest';
import { sayPiecesIn } from './sentence';
import { useWidth } from './useWidth';
import styles from './AvailabilityHistogram.module.css';

const HEIGHT = 48;

export interface AvailabilityHistogramProps {
  map: WeaveMap;
  /** What it is of. */
  label: string;
}

/** How many connected peers have each column's rarest piece; the rarest of what matters is marked and named. */
export function AvailabilityHistogram({ map, label }: AvailabilityHistogramProps) {
  const cloth = useMemo(() => clothOf(map), [map]);
  return (
    <GraphTable
      label={label}
      graph={<Graph whole={cloth} label={label} />}
      table={<HoldersTable cloth={cloth} label={label} />}
    />
  );
}

function Graph({ whole, label }: { whole: Cloth; label: string }) {
  const field = useRef<HTMLDivElement>(null);
  const width = useWidth(field);
  const cloth = useMemo(() => gather(whole, columnsVisible(width)), [whole, width]);
  const found = rarest(cloth);
  const highest = Math.max(1, ...cloth.availability);
  // Where everything is equally rare, nothing stands out.
  const nobody = found.missing && found.holders === 0;
  const marked = new Set(found.all && !nobody ? [] : found.columns);
  const plain: number[] = [];
  for (let column = 0; column < cloth.columns; column++) if (!marked.has(column)) plain.push(column);
  const bars = (columns: number[]) => columns.map((column) => bar(column, cloth, highest)).join('');
  const sentence = useSentence(found);
  return (
    <div>
      <div className={styles.histogram}>
        <div className={styles.scale} aria-hidden="true">
          <span>{count(highest)}</span>
          <span>0</span>
        </div>
        <div ref={field} className={styles.field}>
          <svg
            role="img"
            aria-label={`${label}. ${sentence}`}
            viewBox={`0 0 ${String(Math.max(1, cloth.columns))} ${String(HEIGHT)}`}
            preserveAspectRatio="none"
            data-columns={cloth.columns}
          >
            <path className={styles.bars} d={bars(plain)} />
            <path className={nobody ? styles.none : styles.rarest} d={bars([...marked])} />
          </svg>
        </div>
      </div>
      <p className={styles.says}>{sentence}</p>
    </div>
  );
}

/** A bar; of what nobody has, a line at the foot, so that it can be seen. */
function bar(column: number, cloth: Cloth, highest: number): string {
  const holders = cloth.availability[column] ?? 0;
  const tall = holders === 0 ? 3 : Math.max(2, (holders / highest) * HEIGHT);
  return `M${String(column)} ${String(HEIGHT)}v${String(-tall)}h1v${String(tall)}z`;
}

function useSentence(found: Rarest): string {
  const { t } = useTranslation('weave');
  const [first, ...others] = found.stretches;
  if (first === undefined) return '';
  let where = found.all ? t('allWhere') : sayPiecesIn(t, first);
  if (!found.all && others.length > 0) where = t('whereMore', { where, count: others.length });
  const holders = found.holders;
  if (holders === 0) return t(found.missing ? 'nobodyHas' : 'nobodyElse', { where });
  return t(found.missing ? 'rarest' : 'rarestComplete', { where, count: holders });
}

function HoldersTable({ cloth, label }: { cloth: Cloth; label: string }) {
  const { t } = useTranslation('weave');
  const columns = useMemo((): Column<Holders>[] => {
    return [
      {
        id: 'holders',
        head: t('columnHolders'),
        cell: ({ holders }) => <span data-holders={holders}>{count(holders)}</span>,
        isRowHead: true,
      },
      { id: 'pieces', head: t('columnPieces'), cell: ({ pieces }) => count(pieces), figure: true },
      { id: 'missing', head: t('columnMissing'), cell: ({ missing }) => count(missing), figure: true },
    ];
  }, [t]);
  return (
    <Table
      label={label}
      columns={columns}
      rows={byHolders(cloth)}
      rowKey={({ holders }) => String(holders)}
      maxHeight={320}
    />
  );
}
