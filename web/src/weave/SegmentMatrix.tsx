import { useEffect, useId, useMemo, useRef, useState, type KeyboardEvent, type PointerEvent } from 'react';
import { useTranslation } from 'react-i18next';
import { GraphTable } from '../look/GraphTable';
import './strings';
import { clothOf, gather, type Cloth, type WeaveMap } from './cloth';
import { columnAtX, columnsFor, columnsVisible, matrixHeight, rowAt, rowHeight, rowTop } from './geometry';
import { Legend } from './Legend';
import { MatrixTable } from './MatrixTable';
import { sayCell } from './sentence';
import { UNDYED, type NameOf, type ThreadOf } from './thread';
import { useMatrixCanvas } from './useMatrixCanvas';
import { useWidth } from './useWidth';
import styles from './SegmentMatrix.module.css';

export interface SegmentMatrixProps {
  map: WeaveMap;
  /** What the matrix is of. */
  label: string;
  threadOf: ThreadOf;
  nameOf: NameOf;
  /** Told how many columns there is room for, whenever that changes. */
  onColumns?: (columns: number) => void;
}

/** Peers and pieces as cloth: one row a peer, one column a piece, hue says who gave it. */
export function SegmentMatrix({ map, label, threadOf, nameOf, onColumns }: SegmentMatrixProps) {
  const whole = useMemo(() => clothOf(map), [map]);
  return (
    <GraphTable
      label={label}
      graph={<Graph whole={whole} label={label} threadOf={threadOf} nameOf={nameOf} onColumns={onColumns} />}
      table={<MatrixTable cloth={whole} threadOf={threadOf} nameOf={nameOf} />}
      legend={<Legend peers={shownGivers(whole)} threadOf={threadOf} nameOf={nameOf} />}
    />
  );
}

interface Cell {
  row: number;
  column: number;
}

interface GraphProps {
  whole: Cloth;
  label: string;
  threadOf: ThreadOf;
  nameOf: NameOf;
  onColumns: ((columns: number) => void) | undefined;
}

function Graph({ whole, label, threadOf, nameOf, onColumns }: GraphProps) {
  const { t } = useTranslation('weave');
  const field = useRef<HTMLDivElement>(null);
  const keys = useId();
  const width = useWidth(field);
  const cloth = useMemo(() => gather(whole, columnsVisible(width)), [whole, width]);
  const [cursor, setCursor] = useState<Cell | null>(null);
  const [hover, setHover] = useState<Cell | null>(null);
  const canvas = useMatrixCanvas(cloth, width, threadOf);

  useEffect(() => {
    if (width > 0) onColumns?.(columnsFor(width));
  }, [width, onColumns]);

  const shown = inside(hover ?? cursor, cloth);
  const onPointer = (event: PointerEvent) => {
    const box = event.currentTarget.getBoundingClientRect();
    const column = columnAtX(event.clientX - box.left, box.width, cloth.columns);
    const row = rowAt(event.clientY - box.top, cloth.rows.length);
    if (hover?.row !== row || hover.column !== column) setHover({ row, column });
  };
  const onKey = (event: KeyboardEvent) => {
    if (event.key === 'Escape') {
      setCursor(null);
      return;
    }
    const next = moved(inside(cursor, cloth), event.key, cloth);
    if (next === null) return;
    event.preventDefault();
    setHover(null);
    setCursor(next);
  };

  const height = matrixHeight(cloth.rows.length);
  return (
    <div>
      <div className={styles.matrix} style={{ height }}>
        <div className={styles.labels} aria-hidden="true">
          {[t('you'), ...cloth.rows.map((row) => nameOf(row.peer))].map((name, row) => (
            <bdi
              key={row}
              style={{ top: rowTop(row), height: rowHeight(row), lineHeight: `${String(rowHeight(row))}px` }}
            >
              {name}
            </bdi>
          ))}
        </div>
        <div
          ref={field}
          className={styles.field}
          // Arrow keys belong to the matrix while it has the focus: a screen reader must pass them on.
          role="application"
          aria-roledescription={t('matrixRole')}
          aria-label={label}
          aria-describedby={keys}
          tabIndex={0}
          data-columns={cloth.columns}
          data-rows={cloth.rows.length}
          onKeyDown={onKey}
          onFocus={() => {
            setCursor((now) => now ?? { row: 0, column: 0 });
          }}
          onBlur={() => {
            setCursor(null);
          }}
          onPointerMove={onPointer}
          onPointerLeave={() => {
            setHover(null);
          }}
        >
          <canvas ref={canvas} className={styles.canvas} style={{ height }} aria-hidden="true" />
          {shown !== null && width > 0 && <Cursor cell={shown} columns={cloth.columns} />}
        </div>
      </div>
      <span id={keys} hidden>
        {t('matrixKeys')}
      </span>
      <p className={styles.says} aria-live="polite">
        {shown === null ? t('matrixHint') : sayCell(t, nameOf, cloth, shown.row, shown.column)}
      </p>
    </div>
  );
}

function Cursor({ cell, columns }: { cell: Cell; columns: number }) {
  return (
    <div
      className={styles.cursor}
      style={{
        left: `${String((cell.column / columns) * 100)}%`,
        width: `${String(100 / columns)}%`,
        top: rowTop(cell.row),
        height: rowHeight(cell.row),
      }}
    />
  );
}

/** Those who are connected, then those who gave something and are gone: whoever has a colour in the picture is named. */
function shownGivers(cloth: Cloth): string[] {
  const gave = cloth.givers.filter((giver) => giver.pieces > 0).map((giver) => giver.peer);
  const peers = new Set([...cloth.rows.map((row) => row.peer), ...gave.filter((peer) => peer !== UNDYED)]);
  return gave.includes(UNDYED) ? [...peers, UNDYED] : [...peers];
}

function inside(cell: Cell | null, cloth: Cloth): Cell | null {
  if (cell === null || cloth.columns === 0) return null;
  return { row: Math.min(cell.row, cloth.rows.length), column: Math.min(cell.column, cloth.columns - 1) };
}

/** Where a key leads to from a cell; `null` for a key that is not ours. */
function moved(cell: Cell | null, key: string, cloth: Cloth): Cell | null {
  const { row, column } = cell ?? { row: 0, column: 0 };
  const last = cloth.columns - 1;
  const page = Math.max(1, Math.round(cloth.columns / 10));
  switch (key) {
    case 'ArrowLeft':
      return { row, column: Math.max(0, column - 1) };
    case 'ArrowRight':
      return { row, column: Math.min(last, column + 1) };
    case 'ArrowUp':
      return { row: Math.max(0, row - 1), column };
    case 'ArrowDown':
      return { row: Math.min(cloth.rows.length, row + 1), column };
    case 'PageUp':
      return { row, column: Math.max(0, column - page) };
    case 'PageDown':
      return { row, column: Math.min(last, column + page) };
    case 'Home':
      return { row, column: 0 };
    case 'End':
      return { row, column: last };
    default:
      return null;
  }
}
