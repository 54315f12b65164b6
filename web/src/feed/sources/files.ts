import type { components } from '../../api/schema';
import type { Draft } from '../draft';
import type { EngineTotals, FeedRecord, ServiceSample, Torrent } from '../types';
import { listOf, textOf, type Source } from './source';

type Trouble = components['schemas']['Trouble'];

/** A torrent as it begins, until the node says more. */
function begun(info_hash: string, data: FeedRecord['data'], at_ms: number): Torrent {
  return {
    info_hash,
    name: textOf(data['name'], info_hash),
    dir: textOf(data['dir'], ''),
    state: 'checking',
    trouble: null,
    warnings: [],
    private: data['private'] === true,
    complete: false,
    added_at: Math.floor(at_ms / 1000),
    completed_at: null,
    size: Number(data['size'] ?? 0),
    wanted: Number(data['size'] ?? 0),
    done: 0,
    progress: 0,
    piece_length: 0,
    pieces: 0,
    pieces_done: 0,
    downloaded: 0,
    uploaded: 0,
    wasted: 0,
    ratio: 0,
    rate_down: 0,
    rate_up: 0,
    eta_seconds: null,
    limits: { download: null, upload: null },
    peers: [],
    exchanged: [],
    candidates: 0,
    trackers: [],
    files: [],
    peer_count: null,
  };
}

function patch(draft: Draft, info_hash: string, change: Partial<Torrent>) {
  const { torrents } = draft.state.files;
  const torrent = torrents.get(info_hash);
  if (!torrent) return;
  const holder = { torrent };
  draft.patch(holder, 'torrent', change);
  if (holder.torrent === torrent) return;
  const files = draft.part('files');
  const owned = draft.own(torrents);
  owned.set(info_hash, holder.torrent);
  files.torrents = owned;
}

function setAll(draft: Draft, change: (torrents: Map<string, Torrent>) => void) {
  const files = draft.part('files');
  const torrents = draft.own(files.torrents);
  change(torrents);
  files.torrents = torrents;
}

/** Only what the record names: an older node leaves parts away. */
function given<T extends object>(data: FeedRecord['data'], keys: readonly (keyof T & string)[]): Partial<T> {
  const patch: Partial<T> = {};
  for (const key of keys) {
    if (data[key] !== undefined) patch[key] = data[key] as T[keyof T & string];
  }
  return patch;
}

const SAMPLED = [
  'state',
  'progress',
  'done',
  'rate_down',
  'rate_up',
  'eta_seconds',
  'downloaded',
  'uploaded',
  'ratio',
] as const;

/** The part of a sample that tells of torrents: of those it does not name, nothing moves. */
export function filesDetail(draft: Draft, sample: ServiceSample) {
  const named = new Set<string>();
  for (const entry of listOf<FeedRecord['data']>(sample.detail?.['torrents'])) {
    const info_hash = String(entry['info_hash']);
    named.add(info_hash);
    const change = given<Torrent>(entry, SAMPLED);
    if (typeof entry['peers'] === 'number') change.peer_count = entry['peers'];
    patch(draft, info_hash, change);
  }
  for (const [info_hash, torrent] of draft.state.files.torrents) {
    if (named.has(info_hash) || (torrent.rate_down === 0 && torrent.rate_up === 0)) continue;
    patch(draft, info_hash, { rate_down: 0, rate_up: 0, eta_seconds: null });
  }
  const totals = draft.state.files.totals;
  if (totals) {
    const { rate_in, rate_out, bytes_in, bytes_out } = sample;
    draft.patch(draft.part('files'), 'totals', {
      rate_down: rate_in,
      rate_up: rate_out,
      downloaded: bytes_in,
      uploaded: bytes_out,
      torrents: draft.state.files.torrents.size,
    });
  }
}

function warning(draft: Draft, info_hash: unknown, trouble: Trouble | null) {
  if (typeof info_hash !== 'string') {
    const files = draft.part('files');
    draft.patch(files, 'totals', { resume_trouble: trouble });
    return;
  }
  const warnings = draft.state.files.torrents.get(info_hash)?.warnings ?? [];
  const others = trouble ? warnings.filter((warning) => warning.kind !== trouble.kind) : [];
  patch(draft, info_hash, { warnings: trouble ? [...others, trouble] : [] });
}

export const files: Source = {
  snapshot(draft, state) {
    const { torrents, totals } = (state ?? {}) as { torrents?: unknown; totals?: EngineTotals };
    const list = listOf<Torrent>(torrents);
    draft.state.files = {
      torrents: new Map(list.map((torrent) => [torrent.info_hash, { ...torrent, peer_count: null }])),
      totals: totals ?? null,
    };
  },

  record(draft, record) {
    const { data } = record;
    const info_hash = String(data['info_hash']);
    switch (record.kind) {
      case 'torrent-added':
        if (draft.state.files.torrents.has(info_hash)) return;
        return setAll(draft, (torrents) => torrents.set(info_hash, begun(info_hash, data, record.at_ms)));
      case 'torrent-removed':
        if (!draft.state.files.torrents.has(info_hash)) return;
        return setAll(draft, (torrents) => torrents.delete(info_hash));
      case 'metadata-received':
        return patch(draft, info_hash, given<Torrent>(data, ['name', 'size']));
      case 'state-changed':
        return patch(draft, info_hash, given<Torrent>(data, ['state', 'trouble']));
      case 'piece-batch': {
        const change: Partial<Torrent> = given<Torrent>(data, ['pieces_done', 'pieces', 'done', 'wanted']);
        const { done, wanted } = change;
        if (done !== undefined && wanted) change.progress = done / wanted;
        if (data['weave']) change.weave = data['weave'] as Torrent['weave'];
        return patch(draft, info_hash, change);
      }
      case 'torrent-completed': {
        const wanted = Number(data['wanted']);
        const at = Math.floor(record.at_ms / 1000);
        const completed_at = draft.state.files.torrents.get(info_hash)?.completed_at ?? at;
        const ended = { complete: true, wanted, done: wanted, progress: 1, rate_down: 0, eta_seconds: null };
        return patch(draft, info_hash, { ...ended, completed_at });
      }
      case 'warning':
        return warning(draft, data['info_hash'], (data['trouble'] ?? null) as Trouble | null);
      default:
        return;
    }
  },
};
