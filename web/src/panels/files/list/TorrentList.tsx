import { useState } from 'react';
import { useTranslation } from 'react-i18next';
import { feedState, useFeed } from '../../../feed/store';
import { Button } from '../../../look/Button';
import { Card } from '../../../look/Card';
import { Empty } from '../../../look/Empty';
import { Skeleton } from '../../../look/Skeleton';
import { useAdd } from '../add/AddContext';
import { GlobalLimits } from '../GlobalLimits';
import { passing, type Filter } from './filter';
import { Heads } from './Heads';
import { arrange, orderBy, startsDown, type Order, type SortKey } from './order';
import { Toolbar } from './Toolbar';
import { TorrentRow } from './TorrentRow';
import styles from './TorrentList.module.css';

/** Every torrent. Rows stay where they are until another order is asked for. */
export function TorrentList() {
  const { t } = useTranslation('files');
  const { openAdd } = useAdd();
  const [filter, setFilter] = useState<Filter>('all');
  const [search, setSearch] = useState('');
  const [order, setOrder] = useState<Order | null>(null);
  const [limits, setLimits] = useState(false);
  // An array of ids is shallowly compared: a list whose torrents only progress is not drawn again.
  const ids = useFeed((state) => passing(state.files.torrents, filter, search));
  const any = useFeed((state) => state.files.torrents.size > 0);
  const known = useFeed((state) => state.seq > 0 || state.at_ms > 0);

  const sort = (key: SortKey, down?: boolean) => {
    const same = order?.key === key;
    setOrder(orderBy(feedState().files.torrents, key, down ?? (same ? !order.down : startsDown(key))));
  };
  if (!known) return <Skeleton height={320} />;
  return (
    <Card
      title={t('list.title')}
      action={
        <div className={styles.actions}>
          <Button small onPress={() => setLimits(true)}>
            {t('limits.all')}
          </Button>
          <Button small look="primary" onPress={() => openAdd()}>
            {t('add.open')}
          </Button>
        </div>
      }
    >
      <GlobalLimits isOpen={limits} onClose={() => setLimits(false)} />
      {any ? (
        <div className={styles.list}>
          <Toolbar
            filter={filter}
            onFilter={setFilter}
            search={search}
            onSearch={setSearch}
            order={order}
            onSort={sort}
          />
          {ids.length === 0 ? (
            <Empty
              title={t('list.nothingFound')}
              action={
                <Button
                  onPress={() => {
                    setFilter('all');
                    setSearch('');
                  }}
                >
                  {t('list.showAll')}
                </Button>
              }
            />
          ) : (
            <div role="table" aria-label={t('list.title')} aria-rowcount={ids.length + 1}>
              <Heads order={order} onSort={sort} />
              <div role="rowgroup">
                {arrange(ids, order).map((id) => (
                  <TorrentRow key={id} id={id} />
                ))}
              </div>
            </div>
          )}
        </div>
      ) : (
        <Empty title={t('list.empty')} action={<Button onPress={() => openAdd()}>{t('add.open')}</Button>}>
          {t('list.emptyText')}
        </Empty>
      )}
    </Card>
  );
}
