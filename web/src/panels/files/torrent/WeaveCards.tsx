import { useCallback } from 'react';
import { useTranslation } from 'react-i18next';
import type { Torrent } from '../../../feed/types';
import { Card } from '../../../look/Card';
import { Empty } from '../../../look/Empty';
import { shownName } from '../../../look/Name';
import { Skeleton } from '../../../look/Skeleton';
import { threadOf, usePeerNames } from '../../../threads';
import { AvailabilityHistogram } from '../../../weave/AvailabilityHistogram';
import { useAvailabilityCaption, useMatrixCaption } from '../../../weave/captions';
import { Legend } from '../../../weave/Legend';
import { SegmentMatrix } from '../../../weave/SegmentMatrix';
import { WeaveStrip } from '../../../weave/WeaveStrip';
import { Failure } from '../Failure';
import type { TorrentMap } from '../requests';
import { sayHow } from '../say';
import type { MapState } from './useMap';

/** A peer's name fits beside a row or into a sentence. */
const NAME = 40;

function useNameOf(): (peer: string) => string {
  const names = usePeerNames();
  return useCallback((peer: string) => shownName(names(peer), NAME), [names]);
}

/** The cloth of a torrent, and how often each piece of it is to be had. */
export function WeaveCards({ torrent, weave }: { torrent: Torrent; weave: MapState }) {
  const { t } = useTranslation('files');
  if (torrent.pieces === 0) {
    return (
      <Card title={t('weave.title')}>
        <Empty title={t('weave.unknown')}>{t('weave.unknownText')}</Empty>
      </Card>
    );
  }
  if (weave.map === undefined) {
    return weave.problem === null ? (
      <Skeleton height={240} />
    ) : (
      <Card title={t('weave.title')}>
        <Failure problem={weave.problem} />
      </Card>
    );
  }
  return (
    <>
      <MatrixCard map={weave.map} onColumns={weave.setColumns} />
      <AvailabilityCard map={weave.map} />
    </>
  );
}

function MatrixCard({ map, onColumns }: { map: TorrentMap; onColumns: (columns: number) => void }) {
  const { t } = useTranslation('files');
  const nameOf = useNameOf();
  const givers = map.givers.filter((giver) => giver.peer !== '' && giver.pieces > 0).length;
  const title = givers === 0 ? t('weave.title') : t('weave.from', { count: givers });
  return (
    <Card title={title} caption={useMatrixCaption(map)}>
      <SegmentMatrix map={map} label={t('weave.title')} threadOf={threadOf} nameOf={nameOf} onColumns={onColumns} />
    </Card>
  );
}

function AvailabilityCard({ map }: { map: TorrentMap }) {
  const { t } = useTranslation('files');
  return (
    <Card title={t('weave.availability')} caption={useAvailabilityCaption(map)}>
      <AvailabilityHistogram map={map} label={t('weave.availability')} />
    </Card>
  );
}

/** The strip of a moment that is past: what each peer had then is not kept. */
export function ReplayedWeave({ torrent }: { torrent: Torrent }) {
  const { t } = useTranslation('files');
  const nameOf = useNameOf();
  const { weave } = torrent;
  return (
    <Card title={t('weave.title')} caption={t('weave.past')}>
      {weave === undefined || weave.cells === '' ? (
        <Empty title={t('weave.pastNone')} />
      ) : (
        <>
          <WeaveStrip
            weave={weave}
            progress={torrent.progress}
            label={t('weave.title')}
            sentence={sayHow(t, torrent)}
            threadOf={threadOf}
          />
          <Legend peers={weave.givers} threadOf={threadOf} nameOf={nameOf} />
        </>
      )}
    </Card>
  );
}
