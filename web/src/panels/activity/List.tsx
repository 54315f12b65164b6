import { useEffect, useId, useRef, useState, type KeyboardEvent } from 'react';
import { useTranslation } from 'react-i18next';
import type { FeedRecord } from '../../feed/types';
import { timeOfDay } from '../../figures';
import { threadOf } from '../../threads';
import { peerOf } from './filter';
import styles from './List.module.css';

const ROW = 28;
const HEIGHT = 504;
/** Rows built beyond what is seen, so that scrolling shows no gap. */
const SPARE = 6;

export interface ListProps {
  label: string;
  /** The newest first. */
  records: readonly FeedRecord[];
  say: (record: FeedRecord) => string;
  chosen: number | null;
  onChoose: (seq: number) => void;
}

/** The records as lines; only those in sight are built. */
export function List({ label, records, say, chosen, onChoose }: ListProps) {
  const { t } = useTranslation('activity');
  const id = useId();
  const box = useRef<HTMLDivElement>(null);
  const [top, setTop] = useState(0);
  const newest = records[0]?.seq ?? 0;
  const before = useRef({ newest, count: records.length });

  // What is being read stays where it is when new lines come above it.
  useEffect(() => {
    const last = before.current;
    before.current = { newest, count: records.length };
    const element = box.current;
    if (!element || element.scrollTop === 0 || newest <= last.newest) return;
    const added = records.findIndex((record) => record.seq <= last.newest);
    if (added > 0) element.scrollTop += added * ROW;
  }, [newest, records]);

  const first = Math.max(0, Math.floor(top / ROW) - SPARE);
  const end = Math.min(records.length, Math.ceil((top + HEIGHT) / ROW) + SPARE);
  const place = chosen === null ? -1 : records.findIndex((record) => record.seq === chosen);

  const onKeyDown = (event: KeyboardEvent) => {
    const page = Math.floor(HEIGHT / ROW) - 1;
    const steps: Record<string, number> = {
      ArrowDown: place + 1,
      ArrowUp: Math.max(0, place - 1),
      PageDown: place + page,
      PageUp: place - page,
      Home: 0,
      End: records.length - 1,
    };
    const to = steps[event.key];
    if (to === undefined) return;
    event.preventDefault();
    const next = Math.min(records.length - 1, Math.max(0, to));
    const record = records[next];
    const element = box.current;
    if (!record || !element) return;
    onChoose(record.seq);
    if (next * ROW < element.scrollTop) element.scrollTop = next * ROW;
    else if ((next + 1) * ROW > element.scrollTop + HEIGHT) element.scrollTop = (next + 1) * ROW - HEIGHT;
  };

  return (
    <div
      ref={box}
      role="listbox"
      aria-label={label}
      aria-description={t('list.keys')}
      aria-activedescendant={place >= first && place < end ? `${id}-${chosen}` : undefined}
      tabIndex={0}
      className={styles.box}
      style={{ height: HEIGHT }}
      onScroll={(event) => setTop(event.currentTarget.scrollTop)}
      onKeyDown={onKeyDown}
    >
      <div role="presentation" style={{ height: records.length * ROW }} className={styles.whole}>
        {records.slice(first, end).map((record, index) => {
          const peer = peerOf(record);
          return (
            <div
              key={record.seq}
              id={`${id}-${record.seq}`}
              role="option"
              aria-selected={record.seq === chosen}
              aria-posinset={first + index + 1}
              aria-setsize={records.length}
              className={styles.row}
              style={{ transform: `translateY(${(first + index) * ROW}px)`, height: ROW }}
              onClick={() => onChoose(record.seq)}
            >
              <span className={styles.time}>{timeOfDay(record.at_ms)}</span>
              <i
                aria-hidden="true"
                className={styles.thread}
                style={peer === null ? undefined : { background: threadOf(peer).colour }}
              />
              <bdi className={styles.words}>{say(record)}</bdi>
              <span className={styles.source}>{t(`source.${record.source}`, { defaultValue: record.source })}</span>
            </div>
          );
        })}
      </div>
    </div>
  );
}
