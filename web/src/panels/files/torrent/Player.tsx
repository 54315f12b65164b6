import { useEffect, useRef, useState, type SyntheticEvent } from 'react';
import { useQuery } from '@tanstack/react-query';
import { useTranslation } from 'react-i18next';
import { grantUrl } from '../../../api/grants';
import { problemOf } from '../../../api/problem';
import { Button } from '../../../look/Button';
import { Card } from '../../../look/Card';
import { Name, shownName } from '../../../look/Name';
import { Failure } from '../Failure';
import { contentPath, keys, map as askMap, type FileStatus, type TorrentMap } from '../requests';
import { mediaOf } from './media';
import { PlayerBar, type Span } from './PlayerBar';
import styles from './Player.module.css';

const COLUMNS = 1024;

interface PlayerProps {
  infoHash: string;
  file: FileStatus;
  /** Where the file begins in the torrent's bytes. */
  offset: number;
  onClose: () => void;
}

/** Shows a file in the page while it arrives: the node fetches first what the player asks for. */
export function Player({ infoHash, file, offset, onClose }: PlayerProps) {
  const { t } = useTranslation('files');
  const [granted, setGranted] = useState(0);
  const grant = useQuery({
    queryKey: ['files', 'grant', infoHash, file.index, granted],
    queryFn: () => grantUrl(contentPath(infoHash, file.index)),
    staleTime: Infinity,
    gcTime: 0,
  });
  // Finer than the matrix: a file is only a part of the torrent.
  const { data: map } = useQuery({
    queryKey: keys.map(infoHash, COLUMNS),
    queryFn: () => askMap(infoHash, COLUMNS),
    refetchInterval: file.done < file.size ? 1_000 : false,
  });
  const title = useRef<HTMLParagraphElement>(null);
  // The player opens far from the button that was pressed: reading goes on here.
  useEffect(() => title.current?.focus(), [file.index]);
  const media = mediaOf(file.path);
  return (
    <Card
      title={t('play.title')}
      action={
        <Button small onPress={onClose}>
          {t('play.close')}
        </Button>
      }
    >
      <p ref={title} tabIndex={-1} className={styles.name}>
        <Name text={file.path} />
      </p>
      <Failure problem={grant.error && problemOf(grant.error)} />
      {grant.data !== undefined && media === 'image' && <Picture url={grant.data} file={file} />}
      {grant.data !== undefined && (media === 'video' || media === 'audio') && (
        <Running
          key={file.index}
          kind={media}
          url={grant.data}
          file={file}
          offset={offset}
          map={map}
          // A grant may have run out while the page stood still: once more, with a new one.
          onLost={granted < 3 ? () => setGranted(granted + 1) : undefined}
        />
      )}
    </Card>
  );
}

function Picture({ url, file }: { url: string; file: FileStatus }) {
  const { t } = useTranslation('files');
  const [failed, setFailed] = useState(false);
  if (failed) return <p className={styles.says}>{t('play.cannotShow')}</p>;
  return <img className={styles.image} src={url} alt={shownName(file.path)} onError={() => setFailed(true)} />;
}

type State = 'loading' | 'waiting' | 'playing' | 'stands' | 'failed';

interface RunningProps {
  kind: 'video' | 'audio';
  url: string;
  file: FileStatus;
  offset: number;
  map: TorrentMap | undefined;
  onLost: (() => void) | undefined;
}

function Running({ kind, url, file, offset, map, onLost }: RunningProps) {
  const { t } = useTranslation('files');
  const media = useRef<HTMLVideoElement & HTMLAudioElement>(null);
  const [state, setState] = useState<State>('loading');
  const [at, setAt] = useState(0);
  const [buffered, setBuffered] = useState<Span[]>([]);
  const place = useRef(0);

  const look = (event: SyntheticEvent<HTMLMediaElement>) => {
    const element = event.currentTarget;
    const { duration } = element;
    if (!Number.isFinite(duration) || duration <= 0) return;
    place.current = element.currentTime;
    setAt(element.currentTime / duration);
    setBuffered(spans(element.buffered, duration));
  };
  const events = {
    onLoadedMetadata: (event: SyntheticEvent<HTMLMediaElement>) => {
      // After a new grant it goes on where it was.
      if (place.current > 0) event.currentTarget.currentTime = place.current;
      setState('stands');
      look(event);
    },
    onTimeUpdate: look,
    onProgress: look,
    onSeeking: () => setState('waiting'),
    onWaiting: () => setState('waiting'),
    onPlaying: () => setState('playing'),
    onSeeked: (event: SyntheticEvent<HTMLMediaElement>) => {
      setState(event.currentTarget.paused ? 'stands' : 'playing');
      look(event);
    },
    onCanPlay: (event: SyntheticEvent<HTMLMediaElement>) => setState(event.currentTarget.paused ? 'stands' : 'playing'),
    onPause: () => setState((now) => (now === 'failed' ? now : 'stands')),
    onError: (event: SyntheticEvent<HTMLMediaElement>) => {
      const network = event.currentTarget.error?.code === MediaError.MEDIA_ERR_NETWORK;
      if (network && onLost) onLost();
      else setState('failed');
    },
  };
  const label = shownName(file.path);
  return (
    <div className={styles.running} data-player={state}>
      {kind === 'video' ? (
        <video
          ref={media}
          className={styles.video}
          src={url}
          controls
          preload="metadata"
          aria-label={label}
          {...events}
        />
      ) : (
        <audio
          ref={media}
          className={styles.audio}
          src={url}
          controls
          preload="metadata"
          aria-label={label}
          {...events}
        />
      )}
      <PlayerBar map={map} file={file} offset={offset} at={at} buffered={buffered} />
      <p className={styles.says} role="status">
        {t(`play.${sayState(state, file)}`)}
      </p>
    </div>
  );
}

/** What to say: waiting means waiting for pieces only while some are missing. */
function sayState(state: State, file: FileStatus): string {
  const whole = file.done >= file.size;
  if (state === 'failed') return whole ? 'cannotPlay' : 'cannotPlayYet';
  if (state === 'loading' || state === 'waiting') return whole ? 'loading' : 'waiting';
  return whole ? 'whole' : 'arriving';
}

function spans(ranges: TimeRanges, duration: number): Span[] {
  return Array.from({ length: ranges.length }, (_, index) => ({
    from: ranges.start(index) / duration,
    to: ranges.end(index) / duration,
  }));
}
