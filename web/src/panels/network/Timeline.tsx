import { useMemo } from 'react';
import { useTranslation } from 'react-i18next';
import type { PathKind } from '../../feed/types';
import { useFeed } from '../../feed/store';
import { duration, timeOfDay } from '../../figures';
import { Card } from '../../look/Card';
import { GraphTable } from '../../look/GraphTable';
import { Name, shownName } from '../../look/Name';
import { Table, type Column } from '../../look/Table';
import { threadOf, usePeerNames } from '../../threads';
import { lanes, type Change, type Lane } from './lanes';
import styles from './Timeline.module.css';
import { usePaths } from './usePaths';

/** More lanes than this are no picture; the table has them all. */
const MOST_LANES = 12;
const WIDTH = 1_000;
const NAMES = 150;
const LANE = 24;
const TOP = 4;
/** The longest time shown. */
const LONGEST_MS = 30 * 60_000;

interface Entry extends Change {
  from: PathKind | null;
}

/** Each change with what was before it, the latest first. */
function entries(begun: ReadonlyMap<string, PathKind>, changes: readonly Change[]): Entry[] {
  const now = new Map<string, PathKind | null>(begun);
  const found: Entry[] = [];
  for (const change of changes) {
    const from = now.get(change.peer) ?? null;
    now.set(change.peer, change.to);
    if (from !== change.to) found.push({ ...change, from });
  }
  return found.reverse();
}

function Drawing({ shown, from_ms, to_ms }: { shown: Lane[]; from_ms: number; to_ms: number }) {
  const { t } = useTranslation('network');
  const nameOf = usePeerNames();
  const span = Math.max(1, to_ms - from_ms);
  const x = (at_ms: number) => NAMES + ((at_ms - from_ms) / span) * (WIDTH - NAMES - 8);
  const foot = TOP + shown.length * LANE + 4;
  const ticks = [0, 0.25, 0.5, 0.75, 1];
  return (
    <div className={styles.scroll} role="region" aria-label={t('timeline.title')} tabIndex={0}>
      <svg
        viewBox={`0 0 ${WIDTH} ${foot + 24}`}
        className={styles.drawing}
        role="img"
        aria-label={t('timeline.label', { count: shown.length, duration: duration(span / 1000) })}
      >
        {ticks.map((part) => {
          const at_ms = from_ms + part * span;
          return (
            <g key={part}>
              <path d={`M${x(at_ms)} ${TOP}V${foot}`} className={styles.tick} />
              <text x={x(at_ms)} y={foot + 16} textAnchor={part === 0 ? 'start' : part === 1 ? 'end' : 'middle'}>
                {part === 1 ? t('timeline.now') : timeOfDay(at_ms)}
              </text>
            </g>
          );
        })}
        {shown.map((lane, place) => {
          const y = TOP + place * LANE + LANE / 2;
          const colour = threadOf(lane.peer).colour;
          const name = shownName(nameOf(lane.peer), 40);
          return (
            <g key={lane.peer}>
              <text x={NAMES - 12} y={y + 4} textAnchor="end" className={styles.name}>
                {name.length > 21 ? `${name.slice(0, 20)}…` : name}
              </text>
              {lane.stretches.map((stretch) => (
                <path
                  key={stretch.from_ms}
                  d={`M${x(stretch.from_ms)} ${y}H${Math.max(x(stretch.from_ms) + 2, x(stretch.to_ms))}`}
                  className={stretch.path === 'relayed' ? styles.relayed : styles.direct}
                  style={{ stroke: colour }}
                >
                  <title>{`${name}: ${t(`timeline.${stretch.path}`)}, ${timeOfDay(stretch.from_ms)}`}</title>
                </path>
              ))}
              {lane.stretches
                .filter((stretch) => stretch.from_ms > from_ms)
                .map((stretch) => (
                  <circle
                    key={stretch.from_ms}
                    cx={x(stretch.from_ms)}
                    cy={y}
                    r="3.5"
                    className={styles.change}
                    style={{ stroke: colour }}
                  />
                ))}
            </g>
          );
        })}
      </svg>
    </div>
  );
}

/** Which path each peer had when: a lane a peer, and the same as a table. */
export function Timeline() {
  const { t, i18n } = useTranslation('network');
  const { from_ms: known_ms, begun, changes } = usePaths();
  const to_ms = useFeed((state) => Math.ceil(state.at_ms / 1_000) * 1_000);
  const nameOf = usePeerNames();
  const from_ms = Math.max(known_ms, to_ms - LONGEST_MS);
  const all = useMemo(() => lanes(begun, changes, known_ms, to_ms), [begun, changes, known_ms, to_ms]);
  const shown = all.slice(0, MOST_LANES).map((lane) => ({
    ...lane,
    stretches: lane.stretches
      .filter((stretch) => stretch.to_ms >= from_ms)
      .map((stretch) => ({ ...stretch, from_ms: Math.max(from_ms, stretch.from_ms) })),
  }));
  const rows = useMemo(() => entries(begun, changes), [begun, changes]);
  const columns = useMemo<Column<Entry>[]>(
    () => [
      { id: 'time', head: t('timeline.time'), cell: (entry) => timeOfDay(entry.at_ms), width: '88px' },
      { id: 'peer', head: t('timeline.peer'), cell: (entry) => <Name text={nameOf(entry.peer)} />, isRowHead: true },
      { id: 'from', head: t('timeline.from'), cell: (entry) => t(`timeline.${entry.from ?? 'none'}`) },
      { id: 'to', head: t('timeline.to'), cell: (entry) => t(`timeline.${entry.to ?? 'none'}`) },
    ],
    // Names are looked up anew with each drawing; figures are written in the language of the page.
    // eslint-disable-next-line react-hooks/exhaustive-deps
    [t, i18n.language],
  );
  return (
    <Card title={t('timeline.title')} caption={t('timeline.caption')}>
      {all.length === 0 ? (
        <p className="quiet">{t('timeline.empty')}</p>
      ) : (
        <GraphTable
          label={t('timeline.title')}
          graph={<Drawing shown={shown} from_ms={from_ms} to_ms={to_ms} />}
          table={
            <Table
              label={t('timeline.title')}
              columns={columns}
              rows={rows}
              rowKey={(entry) => String(entry.seq)}
              maxHeight={320}
            />
          }
          legend={
            all.length > shown.length && (
              <span className="quiet">{t('timeline.more', { count: all.length - shown.length })}</span>
            )
          }
        />
      )}
    </Card>
  );
}
