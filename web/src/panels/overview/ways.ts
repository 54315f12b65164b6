import type { components } from '../../api/schema';

type TorrentStatus = components['schemas']['TorrentStatus'];

/** The same bytes to the same people, once from a server and once as it was. */
export interface Ways {
  /** What everyone who fetched it has of it, as far as this node knows: one server would have sent all of that. */
  server: number;
  /** The most that any one peer sent. */
  most: number;
  /** Everyone who took part, this node among them. */
  peers: number;
}

/**
 * Reckons both ways for one torrent. Known are this node, the peers it is connected to (with what they have) and those
 * it exchanged content with since it started (with what they took). Somebody had it from the beginning and fetched
 * nothing: this node, if it received nothing, else one of the complete peers.
 */
export function reckon(torrent: TorrentStatus): Ways | null {
  const { size, done, downloaded, uploaded, peers, exchanged } = torrent;
  if (size === 0) return null;
  const took = new Map<string, number>();
  for (const { peer, uploaded: given } of exchanged)
    took.set(peer, Math.max(took.get(peer) ?? 0, Math.min(size, given)));
  let complete = 0;
  for (const { key, address, progress } of peers) {
    const id = key ?? address ?? '';
    // Of one that was seen by its address before its key was proven, there is one entry too many: the larger counts.
    took.set(id, Math.max(took.get(id) ?? 0, Math.min(1, progress) * size));
    if (progress >= 1) complete += 1;
  }
  let server = [...took.values()].reduce((sum, part) => sum + part, 0);
  if (downloaded > 0) {
    server += Math.min(done, size);
    if (complete > 0) server -= size;
  }
  const most = exchanged.reduce((max, { downloaded: sent }) => Math.max(max, sent), uploaded);
  if (server <= 0 || most === 0) return null;
  return { server, most, peers: took.size + 1 };
}
