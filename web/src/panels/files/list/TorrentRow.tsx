import { memo } from 'react';
import { useTranslation } from 'react-i18next';
import { useFeed } from '../../../feed/store';
import type { Torrent } from '../../../feed/types';
import { bytes, count, duration, percent, rate, ratio } from '../../../figures';
import { Button } from '../../../look/Button';
import { cx } from '../../../look/cx';
import { Name, shownName } from '../../../look/Name';
import { TextLink } from '../../../look/TextLink';
import { threadOf } from '../../../threads';
import { WeaveStrip } from '../../../weave/WeaveStrip';
import { Failure, sentence } from '../Failure';
import { pause, resume } from '../requests';
import { firstTrouble, sayHow } from '../say';
import { useAction } from '../useAction';
import styles from './TorrentRow.module.css';

/** One torrent of the list. It listens to its own torrent alone: what others do does not draw it again. */
export const TorrentRow = memo(function TorrentRow({ id }: { id: string }) {
  const torrent = useFeed((state) => state.files.torrents.get(id));
  return torrent === undefined ? null : <Row torrent={torrent} />;
});

function Row({ torrent }: { torrent: Torrent }) {
  const { t } = useTranslation('files');
  const how = sayHow(t, torrent);
  const trouble = firstTrouble(torrent);
  const stands = torrent.state === 'paused' || torrent.state === 'error';
  const toggle = useAction(torrent.info_hash, () => (stands ? resume : pause)(torrent.info_hash));
  const word = t(stands ? 'act.resume' : 'act.pause');
  const name = shownName(torrent.name);
  return (
    <div role="row" className={styles.row} data-info-hash={torrent.info_hash} data-state={torrent.state}>
      <div role="rowheader" className={styles.what}>
        <TextLink to={`/files/${torrent.info_hash}`} plain className={styles.name}>
          <Name text={torrent.name} oneLine />
        </TextLink>
        <WeaveStrip
          weave={torrent.weave}
          progress={torrent.progress}
          label={t('list.progressOf', { name })}
          sentence={how}
          threadOf={threadOf}
        />
        <p className={styles.caption}>
          {t(`state.${torrent.state}`)}
          {torrent.size > 0 && ` · ${bytes(torrent.size)}`}
          {torrent.private && ` · ${t('private')}`}
        </p>
        {trouble && (
          <p className={cx(styles.trouble, torrent.trouble == null && styles.warning)}>
            <bdi>{sentence(shownName(trouble.message, 400))}</bdi>{' '}
            <span className={styles.mend}>{sentence(shownName(trouble.mend, 400))}</span>
          </p>
        )}
        <Failure problem={toggle.problem} />
      </div>
      <Cell label={t('sort.progress')} value={percent(torrent.progress)} />
      <Cell label={t('sort.down')} value={torrent.rate_down > 0 ? rate(torrent.rate_down) : ''} />
      <Cell label={t('sort.up')} value={torrent.rate_up > 0 ? rate(torrent.rate_up) : ''} />
      <Cell label={t('sort.ratio')} value={ratio(torrent.ratio)} wide />
      <Cell label={t('sort.left')} value={torrent.eta_seconds == null ? '' : duration(torrent.eta_seconds)} />
      <Cell label={t('sort.peers')} value={torrent.peer_count === null ? '' : count(torrent.peer_count)} wide />
      <div role="cell" className={styles.act}>
        <Button
          small
          look="quiet"
          isPending={toggle.isPending}
          aria-label={`${word}: ${name}`}
          onPress={() => toggle.run()}
        >
          {word}
        </Button>
      </div>
    </div>
  );
}

/** A figure; what is nothing is left empty, so that what moves is seen. */
function Cell({ label, value, wide = false }: { label: string; value: string; wide?: boolean }) {
  return (
    <div role="cell" className={cx(styles.figure, wide && styles.wide)} data-label={value && label}>
      {value || <span className="unseen">–</span>}
    </div>
  );
}
