import { useCallback, useMemo, useState } from 'react';
import { useTranslation } from 'react-i18next';
import { feedState, useFeed } from '../../feed/store';
import type { FeedRecord } from '../../feed/types';
import { Button } from '../../look/Button';
import { Card } from '../../look/Card';
import { Empty } from '../../look/Empty';
import { Grid } from '../../look/Grid';
import { Cursor } from './Cursor';
import { everything, passes, PROGRESS, type Filter } from './filter';
import { Filters } from './Filters';
import { List } from './List';
import { One } from './One';
import styles from './Page.module.css';
import { sentence } from './sentence';

/** The records that are shown: those of the feed, or those at the moment the list was paused. */
function useRecords() {
  const recent = useFeed((state) => state.recent);
  const [held, setHeld] = useState<readonly FeedRecord[] | null>(null);
  const last = held?.at(-1)?.seq ?? 0;
  const waiting = held === null ? 0 : recent.filter((record) => record.seq > last && !PROGRESS.has(record.kind)).length;
  return {
    records: held ?? recent,
    paused: held !== null,
    waiting,
    toggle: () => setHeld(held === null ? recent : null),
  };
}

/** The activity panel: the node's event feed as sentences, and the way back in time. */
export default function Page() {
  const { t } = useTranslation('activity');
  const { records, paused, waiting, toggle } = useRecords();
  const [filter, setFilter] = useState<Filter>(everything);
  const [chosen, setChosen] = useState<number | null>(null);
  const people = useFeed((state) => state.people);
  // Names of torrents and peers are looked up when a line is drawn.
  const say = useCallback((record: FeedRecord) => sentence(t, { ...feedState(), people }, record), [t, people]);
  const shown = useMemo(
    () => records.filter((record) => passes(filter, record, say)).reverse(),
    [records, filter, say],
  );
  const filtered = filter !== everything;
  return (
    <Grid>
      <Cursor />
      <Card
        title={t('list.title')}
        caption={t('list.count', { count: shown.length })}
        span={8}
        action={
          <Button small onPress={toggle}>
            {t(paused ? 'list.go' : 'list.pause')}
          </Button>
        }
      >
        <div className={styles.list}>
          <Filters records={records} filter={filter} onChange={setFilter} />
          <p className="quiet" role="status">
            {paused ? t('list.paused', { count: waiting }) : t('list.latest')}
          </p>
          {shown.length === 0 ? (
            <Empty
              title={t(filtered ? 'list.filtered' : 'list.empty')}
              action={filtered && <Button onPress={() => setFilter(everything)}>{t('list.clear')}</Button>}
            />
          ) : (
            <List label={t('list.title')} records={shown} say={say} chosen={chosen} onChoose={setChosen} />
          )}
        </div>
      </Card>
      <One record={records.find((record) => record.seq === chosen) ?? null} say={say} />
    </Grid>
  );
}
