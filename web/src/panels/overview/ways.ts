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
 * nothing: this node, if it received nothing, else one of the complete peers. One device may be met by several
 * addresses: `deviceOf` says which it is.
 */
export function reckon(torrent: TorrentStatus, deviceOf: (id: string) => string): Ways | null {
  const { size, done, downloaded, uploaded, peers, exchanged } = torrent;
  if (size === 0) return null;
  const took = new Map<string, number>();
  const gave = new Map<string, number>([['', uploaded]]);
  for (const { peer, uploaded: given, downloaded: sent } of exchanged) {
    const id = deviceOf(peer);
    took.set(id, Math.min(size, (took.get(id) ?? 0) + given));
    gave.set(id, (gave.get(id) ?? 0) + sent);
  }
  const whole = new Set<string>();
  for (const { key, address, progress } of peers) {
    const id = deviceOf(key ?? address ?? '');
    took.set(id, Math.max(took.get(id) ?? 0, Math.min(1, progress) * size));
    if (progress >= 1) whole.add(id);
  }
  let server = [...took.values()].reduce((sum, part) => sum + part, 0);
  if (downloaded > 0) {
    server += Math.min(done, size);
    if (whole.size > 0) server -= size;
  }
  const most = Math.max(...gave.values());
  if (server <= 0 || most === 0) return null;
  return { server, most, peers: took.size + 1 };
}
