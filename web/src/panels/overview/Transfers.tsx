import { useTranslation } from 'react-i18next';
import { useFeed, type FeedState } from '../../feed/store';
import type { Torrent } from '../../feed/types';
import { bytes, duration, percent, rate, ratio } from '../../figures';
import { Card } from '../../look/Card';
import { Empty } from '../../look/Empty';
import { Name, shownName } from '../../look/Name';
import { TextLink } from '../../look/TextLink';
import { threadOf } from '../../threads';
import { WeaveStrip } from '../../weave/WeaveStrip';
import styles from './Transfers.module.css';

/** As many as stand beside the map; the files panel has all. */
const MOST = 5;

/** What is not complete first, then the latest: an order that samples do not change. */
function first(state: FeedState): string[] {
  return [...state.files.torrents.values()]
    .sort(
      (a, b) =>
        Number(a.complete) - Number(b.complete) || b.added_at - a.added_at || (a.info_hash < b.info_hash ? -1 : 1),
    )
    .slice(0, MOST)
    .map((torrent) => torrent.info_hash);
}

function Row({ id }: { id: string }) {
  const { t } = useTranslation('overview');
  const torrent = useFeed((state) => state.files.torrents.get(id));
  if (!torrent) return null;
  const { name, size, progress, weave, complete } = torrent;
  const how = complete ? t('transfers.done') : [percent(progress), left(torrent)].filter(Boolean).join(', ');
  const peers = torrent.peer_count;
  const about = complete
    ? t('transfers.ratio', { ratio: ratio(torrent.ratio) })
    : peers === null
      ? ''
      : t('transfers.peers', { count: peers });
  return (
    <li className={styles.row}>
      <TextLink to={`/files/${id}`} plain className={styles.name}>
        <Name text={name} oneLine />
      </TextLink>
      <span className={styles.now}>{now(torrent)}</span>
      <span className={styles.strip}>
        <WeaveStrip
          weave={weave}
          progress={progress}
          label={t('transfers.progress', { name: shownName(name, 60) })}
          sentence={how}
          threadOf={threadOf}
        />
      </span>
      <span className="quiet">{[size > 0 ? bytes(size) : '', about].filter(Boolean).join(', ')}</span>
      <span className={styles.how}>{how}</span>
    </li>
  );

  function left({ eta_seconds }: Torrent) {
    return eta_seconds == null ? '' : t('transfers.left', { duration: duration(eta_seconds) });
  }

  function now({ state, rate_down, rate_up }: Torrent) {
    if (rate_down > 0 && !complete) return rate(rate_down);
    if (rate_up > 0) return `↑ ${rate(rate_up)}`;
    if (state === 'seeding' && peers) return t('transfers.seeding', { count: peers });
    return t(`transfers.state.${state}`);
  }
}

/** What is being fetched and given, each woven of who gave it. */
export function Transfers() {
  const { t } = useTranslation('overview');
  const shown = useFeed(first);
  const count = useFeed((state) => state.files.torrents.size);
  return (
    <Card title={t('transfers.title')} action={<TextLink to="/files">{t('transfers.add')}</TextLink>} span={5}>
      {shown.length === 0 ? (
        <Empty title={t('transfers.empty')}>{t('transfers.empty-text')}</Empty>
      ) : (
        <ul>
          {shown.map((id) => (
            <Row key={id} id={id} />
          ))}
        </ul>
      )}
      {count > MOST && (
        <p className={styles.all}>
          <TextLink to="/files">{t('transfers.all', { count })}</TextLink>
        </p>
      )}
    </Card>
  );
}
