import type { TFunction } from 'i18next';
import { duration, percent, rate } from '../../figures';
import type { Torrent } from '../../feed/types';

/** What of a torrent its sentence is made of. */
export type Said = Pick<
  Torrent,
  'state' | 'progress' | 'eta_seconds' | 'rate_up' | 'rate_down' | 'complete' | 'wanted' | 'size' | 'peer_count'
>;

/** How a torrent is, in one sentence without its trouble. */
export function sayHow(t: TFunction, torrent: Said): string {
  const done = percent(torrent.progress);
  switch (torrent.state) {
    case 'checking':
      return t('how.checking', { done });
    case 'fetching-metadata':
      return t(torrent.peer_count === 0 ? 'how.metadataAlone' : 'how.metadata');
    case 'downloading':
      return downloading(t, torrent, done);
    case 'seeding':
      return seeding(t, torrent);
    case 'paused':
      return torrent.complete ? t('how.pausedComplete') : t('how.paused', { done });
    case 'error':
      return t('how.error', { done });
    default:
      return done;
  }
}

function downloading(t: TFunction, torrent: Said, done: string): string {
  if (torrent.rate_down > 0 && torrent.eta_seconds != null) {
    return t('how.downloading', { done, left: duration(torrent.eta_seconds) });
  }
  if (torrent.rate_down > 0) return t('how.downloadingSlow', { done });
  return t(torrent.peer_count === 0 ? 'how.alone' : 'how.waiting', { done });
}

function seeding(t: TFunction, torrent: Said): string {
  const all = torrent.wanted < torrent.size ? 'how.chosen' : 'how.seeding';
  return torrent.rate_up > 0 ? t(`${all}Giving`, { rate: rate(torrent.rate_up) }) : t(all);
}

/** The trouble worth showing first: what stopped it, else what is odd. */
export function firstTrouble(torrent: Pick<Torrent, 'trouble' | 'warnings'>) {
  return torrent.trouble ?? torrent.warnings[0] ?? null;
}
