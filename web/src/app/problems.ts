import type { FeedState } from '../feed/store';
import type { Torrent } from '../feed/types';
import { deviceBehind } from '../threads';

/** Something that is wrong, in the words of `frame:say` and `frame:mend`, or of the node where it says why itself. */
export interface Trouble {
  /** The key below `say`, and its values. */
  say: string;
  values: Record<string, string | number>;
  /** What the node says: what happened and what mends it. */
  because?: string | undefined;
  mend?: string | undefined;
  /** Or this page's own advice: the key below `mend`. */
  advice?: string;
  /** Where it can be mended: the key below `go`, and the address. */
  go?: { say: string; to: string };
  /** `bad` keeps something from working; `warn` goes on all the same. */
  tone: 'bad' | 'warn';
}

function ofTorrents(say: 'torrent' | 'warning', tone: Trouble['tone'], torrents: Torrent[]): Trouble[] {
  const first = torrents[0];
  if (!first) return [];
  const told = say === 'torrent' ? first.trouble : first.warnings[0];
  const one = torrents.length === 1;
  return [
    {
      say,
      values: { count: torrents.length, name: first.name },
      because: told?.message,
      mend: told?.mend,
      go: one ? { say: 'files', to: `/files/${first.info_hash}` } : { say: 'files-all', to: '/files' },
      tone,
    },
  ];
}

function parts(state: FeedState): Trouble[] {
  const report = state.node.health?.parts ?? {};
  const bad = Object.entries(report).flatMap(([part, health]) =>
    health.state === 'degraded' ? [{ part, because: health.because, mend: health.mend }] : [],
  );
  // What cannot be saved is lost: it comes before everything else.
  bad.sort((a, b) => Number(b.part === 'store') - Number(a.part === 'store'));
  return bad.map(({ part, because, mend }) => ({
    say: part === 'store' ? 'store' : 'part',
    values: { part },
    because,
    mend,
    go: { say: 'part', to: '/services' },
    tone: 'bad',
  }));
}

/** Devices that are connected, by the overlay or for content alone: relayed are those with no better path. */
export function connectedPeers(state: FeedState): { direct: number; relayed: number } {
  const direct = new Map<string, boolean>();
  for (const peer of state.network.peers.values()) {
    if (peer.connections === 0) continue;
    const device = deviceBehind(state, peer.id);
    direct.set(device, (direct.get(device) ?? false) || peer.path !== 'relayed');
  }
  const count = [...direct.values()].filter(Boolean).length;
  return { direct: count, relayed: direct.size - count };
}

function alone(state: FeedState): Trouble[] {
  const { direct, relayed } = connectedPeers(state);
  if (direct + relayed > 0 || !state.network.status) return [];
  let waiting = 0;
  for (const torrent of state.files.torrents.values()) {
    if (torrent.state === 'downloading' || torrent.state === 'fetching-metadata') waiting += 1;
  }
  return [
    {
      say: 'alone',
      values: { count: waiting },
      advice: waiting > 0 ? 'alone-waiting' : 'alone',
      go: waiting > 0 ? { say: 'files-all', to: '/files' } : { say: 'people', to: '/peers' },
      tone: 'warn',
    },
  ];
}

/** What is wrong now, the worst first; nothing when all is well. */
export function problems(state: FeedState): Trouble[] {
  if (state.connection === 'offline' && state.replay === null) {
    return [
      { say: 'offline', values: {}, because: undefined, mend: state.problem?.mend, advice: 'offline', tone: 'bad' },
    ];
  }
  const torrents = [...state.files.torrents.values()];
  const resume = state.files.totals?.resume_trouble;
  return [
    ...parts(state),
    ...ofTorrents(
      'torrent',
      'bad',
      torrents.filter((torrent) => torrent.state === 'error'),
    ),
    ...(resume
      ? [
          {
            say: 'resume',
            values: {},
            because: resume.message,
            mend: resume.mend,
            go: { say: 'files-all', to: '/files' },
            tone: 'bad' as const,
          },
        ]
      : []),
    ...ofTorrents(
      'warning',
      'warn',
      torrents.filter((torrent) => torrent.state !== 'error' && torrent.warnings.length > 0),
    ),
    ...alone(state),
  ];
}
