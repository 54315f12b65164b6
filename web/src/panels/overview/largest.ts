import type { FeedState } from '../../feed/store';

/** The transfer with most exchanged bytes: it stays the same from sample to sample. */
export function largest(state: FeedState): string | null {
  let best: string | null = null;
  let most = 0;
  for (const { info_hash, downloaded, uploaded } of state.files.torrents.values()) {
    if (downloaded + uploaded <= most) continue;
    most = downloaded + uploaded;
    best = info_hash;
  }
  return best;
}
