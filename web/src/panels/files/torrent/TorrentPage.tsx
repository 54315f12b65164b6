import { useQuery } from '@tanstack/react-query';
import { useState } from 'react';
import { useTranslation } from 'react-i18next';
import { problemOf } from '../../../api/problem';
import { useFeed } from '../../../feed/store';
import { Card } from '../../../look/Card';
import { Empty } from '../../../look/Empty';
import { Grid } from '../../../look/Grid';
import { Skeleton } from '../../../look/Skeleton';
import { TextLink } from '../../../look/TextLink';
import { Failure } from '../Failure';
import { keys, torrent as ask } from '../requests';
import { useMap } from './useMap';
import { ExchangedCard } from './ExchangedCard';
import { FilesCard } from './FilesCard';
import { LimitsCard } from './LimitsCard';
import { LinkCard } from './LinkCard';
import { PeersCard } from './PeersCard';
import { Player } from './Player';
import { offsetOf } from './ranges';
import { SourcesCard } from './SourcesCard';
import { Top } from './Top';
import { ReplayedWeave, WeaveCards } from './WeaveCards';
import styles from './TorrentPage.module.css';

/** Peers and files change with every second of a download, and with none of a torrent that rests. */
const BUSY_MS = 1_000;
const CALM_MS = 5_000;

/** Everything about one torrent. */
export function TorrentPage({ infoHash }: { infoHash: string }) {
  const { t } = useTranslation('files');
  const live = useFeed((state) => state.files.torrents.get(infoHash));
  const known = useFeed((state) => state.seq > 0 || state.at_ms > 0);
  const replayed = useFeed((state) => state.replay !== null);
  const busy = live !== undefined && (live.rate_down > 0 || live.rate_up > 0 || live.state === 'downloading');
  const pace = busy ? BUSY_MS : CALM_MS;
  // A moment of the past has no peers and files to ask for: the node answers for now.
  const asked = live !== undefined && !replayed;
  const detail = useQuery({
    queryKey: keys.torrent(infoHash),
    queryFn: () => ask(infoHash),
    enabled: asked,
    refetchInterval: pace,
  });
  const weave = useMap(infoHash, asked && live.pieces > 0, pace);
  const [playing, setPlaying] = useState<number | null>(null);

  if (live === undefined) {
    return known ? (
      <Card title={t('page.gone')}>
        <Empty title={t('page.goneText')} action={<TextLink to="/files">{t('page.back')}</TextLink>} />
      </Card>
    ) : (
      <Skeleton height={480} />
    );
  }
  const files = detail.data?.files ?? [];
  const shown = files.find((file) => file.index === playing);
  return (
    <>
      <p className={styles.back}>
        <TextLink to="/files">← {t('page.back')}</TextLink>
      </p>
      <Grid>
        <Top torrent={live} detail={asked ? detail.data : undefined} />
        {asked && detail.error && <Failure problem={problemOf(detail.error)} />}
        {asked && shown && (
          <Player
            key={shown.index}
            infoHash={infoHash}
            file={shown}
            offset={offsetOf(files, shown.index)}
            onClose={() => setPlaying(null)}
          />
        )}
        {asked ? <WeaveCards torrent={live} weave={weave} /> : <ReplayedWeave torrent={live} />}
        {asked && detail.data && (
          <>
            <FilesCard infoHash={infoHash} detail={detail.data} playing={playing} onPlay={setPlaying} />
            <PeersCard peers={detail.data.peers} />
            <ExchangedCard exchanged={detail.data.exchanged} />
            <SourcesCard detail={detail.data} />
            <LimitsCard infoHash={infoHash} limits={detail.data.limits} />
            <LinkCard infoHash={infoHash} name={live.name} hasMetadata={live.pieces > 0} />
          </>
        )}
      </Grid>
    </>
  );
}
