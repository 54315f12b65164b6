import { useLayoutEffect, useMemo, useRef, useState } from 'react';
import { useTranslation } from 'react-i18next';
import type { PathKind } from '../../feed/types';
import { feedState, useFeed } from '../../feed/store';
import { duration, timeOfDay } from '../../figures';
import { Card } from '../../look/Card';
import { GraphTable } from '../../look/GraphTable';
import { Name, shownName } from '../../look/Name';
import { Table, type Column } from '../../look/Table';
import { deviceBehind, threadOf, usePeerNames } from '../../threads';
import { lanes, ofDevices, type Change, type Lane } from './lanes';
import styles from './Timeline.module.css';
import { usePaths } from './usePaths';

/** More lanes than this are no picture; the table has them all. */
const MOST_LANES = 12;
/** Narrower than this it scrolls. */
const LEAST_WIDTH = 260;
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

/** The width there is, so that words and lines keep their size on every screen. */
function useWidth() {
  const box = useRef<HTMLDivElement>(null);
  const [width, setWidth] = useState(1_000);
  useLayoutEffect(() => {
    const element = box.current;
    if (!element || typeof ResizeObserver === 'undefined') return;
    const observer = new ResizeObserver(([entry]) => entry && setWidth(Math.floor(entry.contentRect.width)));
    observer.observe(element);
    return () => observer.disconnect();
  }, []);
  return [box, Math.max(LEAST_WIDTH, width)] as const;
}

function Drawing({ shown, from_ms, to_ms }: { shown: Lane[]; from_ms: number; to_ms: number }) {
  const { t } = useTranslation('network');
  const nameOf = usePeerNames();
  const [box, width] = useWidth();
  const names = width < 640 ? 92 : 150;
  const letters = width < 640 ? 11 : 21;
  const span = Math.max(1, to_ms - from_ms);
  const x = (at_ms: number) => names + ((at_ms - from_ms) / span) * (width - names - 8);
  const foot = TOP + shown.length * LANE + 4;
  const ticks = width < 640 ? [0, 0.5, 1] : [0, 0.25, 0.5, 0.75, 1];
  return (
    <div
      ref={box}
      className={styles.scroll}
      role="region"
      aria-label={`${t('timeline.title')}: ${t('look:graph')}`}
      tabIndex={0}
    >
      <svg
        width={width}
        height={foot + 24}
        viewBox={`0 0 ${width} ${foot + 24}`}
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
              <text x={names - 12} y={y + 4} textAnchor="end" className={styles.name}>
                {name.length > letters ? `${name.slice(0, letters - 1)}…` : name}
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
  const known = usePaths();
  const known_ms = known.from_ms;
  const peers = useFeed((state) => state.network.peers);
  const contacts = useFeed((state) => state.people.contacts);
  const { begun, changes } = useMemo(() => {
    const state = { ...feedState(), network: { status: null, peers } };
    return ofDevices(known.begun, known.changes, (peer) => deviceBehind(state, peer));
    // Whose address it is depends on the address book too.
    // eslint-disable-next-line react-hooks/exhaustive-deps
  }, [known.begun, known.changes, peers, contacts]);
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
              label={`${t('timeline.title')}: ${t('look:table')}`}
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
