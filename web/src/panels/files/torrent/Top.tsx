import { useTranslation } from 'react-i18next';
import type { Torrent } from '../../../feed/types';
import { bytes, count, duration, percent, rate, ratio } from '../../../figures';
import { Card } from '../../../look/Card';
import { Copy } from '../../../look/Copy';
import { cx } from '../../../look/cx';
import { Figure } from '../../../look/Figure';
import { Name, shownName } from '../../../look/Name';
import { threadOf } from '../../../threads';
import { WeaveStrip } from '../../../weave/WeaveStrip';
import { sentence } from '../Failure';
import type { Detail, Trouble } from '../requests';
import { sayHow } from '../say';
import { Actions } from './Actions';
import styles from './Top.module.css';

interface TopProps {
  torrent: Torrent;
  /** More than the feed tells; none while the past is shown. */
  detail: Detail | undefined;
}

/** What it is, what it does, what is wrong and how to mend it; then the figures. */
export function Top({ torrent, detail }: TopProps) {
  const { t } = useTranslation('files');
  const how = sayHow(t, torrent);
  const troubles = [...(torrent.trouble ? [torrent.trouble] : []), ...torrent.warnings];
  const name = shownName(torrent.name);
  const known = torrent.pieces > 0 || torrent.size > 0;
  return (
    <Card title={<Name text={torrent.name} />} action={detail && <Actions torrent={torrent} />}>
      <div className={styles.top}>
        <p className={styles.how} role="status">
          {how}
        </p>
        {troubles.map((trouble) => (
          <Mend key={trouble.kind} trouble={trouble} stops={trouble === torrent.trouble} />
        ))}
        <WeaveStrip
          weave={torrent.weave}
          progress={torrent.progress}
          label={t('list.progressOf', { name })}
          sentence={how}
          threadOf={threadOf}
        />
        <div className={styles.figures}>
          <Figure value={percent(torrent.progress)} label={t('figure.done')} />
          <Figure value={`↓ ${rate(torrent.rate_down)}`} label={t('figure.down')} />
          <Figure value={`↑ ${rate(torrent.rate_up)}`} label={t('figure.up')} />
          <Figure value={torrent.eta_seconds == null ? '–' : duration(torrent.eta_seconds)} label={t('figure.left')} />
          <Figure value={ratio(torrent.ratio)} label={t('figure.ratio')} />
          <Figure value={known ? bytes(torrent.size) : '–'} label={t('figure.size')} />
          <Figure value={bytes(torrent.downloaded)} label={t('figure.received')} />
          <Figure value={bytes(torrent.uploaded)} label={t('figure.given')} />
          <Figure
            value={known ? `${count(torrent.pieces_done)} / ${count(torrent.pieces)}` : '–'}
            label={t('figure.pieces', { size: bytes(detail?.piece_length ?? torrent.piece_length) })}
          />
        </div>
        <dl className={styles.places}>
          <div>
            <dt>{t('page.hash')}</dt>
            <dd>
              <Copy text={torrent.info_hash} what={t('page.hash')} />
            </dd>
          </div>
          <div>
            <dt>{t('page.folder')}</dt>
            <dd>
              <Copy text={torrent.dir} what={t('page.folder')} keep={0} />
            </dd>
          </div>
        </dl>
      </div>
    </Card>
  );
}

function Mend({ trouble, stops }: { trouble: Trouble; stops: boolean }) {
  return (
    <p className={cx(styles.trouble, !stops && styles.warning)}>
      <bdi>{sentence(shownName(trouble.message, 600))}</bdi>{' '}
      <span className={styles.mend}>{sentence(shownName(trouble.mend, 600))}</span>
    </p>
  );
}
