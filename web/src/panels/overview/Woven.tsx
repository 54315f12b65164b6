import { keepPreviousData, useQuery } from '@tanstack/react-query';
import { lazy, Suspense, useCallback, useMemo, useState } from 'react';
import { useTranslation } from 'react-i18next';
import { answer, api } from '../../api/client';
import { feedState, useFeed } from '../../feed/store';
import { Card } from '../../look/Card';
import { Name, shownName } from '../../look/Name';
import { Skeleton } from '../../look/Skeleton';
import { TextLink } from '../../look/TextLink';
import { deviceBehind, threadOf, usePeerNames } from '../../threads';
import { useMatrixCaption } from '../../weave/captions';
import type { WeaveMap } from '../../weave/cloth';
import { largest } from './largest';
import styles from './Woven.module.css';

const SegmentMatrix = lazy(() =>
  import('../../weave/SegmentMatrix').then((module) => ({ default: module.SegmentMatrix })),
);

/** Enough for a wide page, until the drawing has measured itself. */
const AT_FIRST = 128;
/** A cloth that grows is looked at often, one that rests seldom. */
const GROWING_MS = 2_000;
const RESTING_MS = 15_000;
/** A peer's name stands at the left of its row. */
const NAME = 18;

function Cloth({
  map,
  id,
  name,
  onColumns,
}: {
  map: WeaveMap;
  id: string;
  name: string;
  onColumns: (columns: number) => void;
}) {
  const { t } = useTranslation('overview');
  const names = usePeerNames();
  const nameOf = useCallback((peer: string) => shownName(names(peer), NAME), [names]);
  const state = useFeed(({ network, people }) => ({ network, people }));
  // A device that was met by several addresses gave as one.
  const cloth = useMemo(() => {
    const deviceOf = (peer: string) => (peer === '' ? '' : deviceBehind({ ...feedState(), ...state }, peer));
    return {
      ...map,
      givers: map.givers.map((giver) => ({ ...giver, peer: deviceOf(giver.peer) })),
      rows: map.rows.map((row) => ({ ...row, peer: deviceOf(row.peer) })),
    };
  }, [map, state]);
  const givers = new Set(cloth.givers.flatMap(({ peer, pieces }) => (peer !== '' && pieces > 0 ? [peer] : []))).size;
  const title = (
    <TextLink to={`/files/${id}`} plain className={styles.title}>
      <Name text={shownName(name, 60)} />
      {givers > 0 && t('woven.from', { count: givers })}
    </TextLink>
  );
  return (
    <Card title={title} caption={useMatrixCaption(map)}>
      <Suspense fallback={<Skeleton height={160} />}>
        <SegmentMatrix
          map={cloth}
          label={t('woven.label', { name: shownName(name, 60) })}
          threadOf={threadOf}
          nameOf={nameOf}
          onColumns={onColumns}
        />
      </Suspense>
    </Card>
  );
}

/** The cloth of the largest transfer: one row a peer, one column a piece. */
export function Woven() {
  const id = useFeed(largest);
  const torrent = useFeed((state) => (id === null ? undefined : state.files.torrents.get(id)));
  const past = useFeed((state) => state.replay !== null);
  const [columns, setColumns] = useState(AT_FIRST);
  const { data } = useQuery({
    queryKey: ['overview', 'map', id, columns],
    queryFn: () =>
      answer(
        api.GET('/api/v1/files/torrents/{info_hash}/map', {
          params: { path: { info_hash: id ?? '' }, query: { columns } },
        }),
      ),
    // What each peer had at a moment that is past is not kept.
    enabled: id !== null && !past && (torrent?.pieces ?? 0) > 0,
    refetchInterval: torrent && torrent.rate_down + torrent.rate_up > 0 ? GROWING_MS : RESTING_MS,
    placeholderData: keepPreviousData,
  });
  if (!data || !torrent || past) return null;
  return <Cloth map={data} id={torrent.info_hash} name={torrent.name} onColumns={setColumns} />;
}
