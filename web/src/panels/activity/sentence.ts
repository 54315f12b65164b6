import type { TFunction } from 'i18next';
import type { FeedRecord, FeedState, Sample } from '../../feed/types';
import { bytes, millis, percent, rate } from '../../figures';
import { shownName } from '../../look/Name';
import { nameIn, relayAddress } from '../../threads';

/** Names in a sentence are short: the whole is in the event itself. */
const NAME = 60;

function text(value: unknown): string {
  return typeof value === 'string' ? value : '';
}

/** The sum of what the services moved. */
function moved(sample: Sample, way: 'rate_in' | 'rate_out'): number {
  return Object.values(sample.services ?? {}).reduce((sum, service) => sum + (service[way] ?? 0), 0);
}

/** Which of a kind's sentences it is: most kinds have one. */
function variant({ source, kind, data }: FeedRecord): string {
  if (source === 'files' && kind === 'warning') {
    const of = typeof data['info_hash'] === 'string' ? 'warning' : 'warning-engine';
    return data['trouble'] ? of : `${of}-ended`;
  }
  if (source === 'network' && kind === 'peer-connected' && data['incoming'] === false) return `${kind}-out`;
  if (source === 'node' && kind === 'health-changed') {
    const health = data['health'] as { state?: string } | undefined;
    return health?.state === 'degraded' ? `${kind}-degraded` : kind;
  }
  return kind;
}

/** A record as a sentence. Kinds this page does not know are named. */
export function sentence(t: TFunction, state: FeedState, record: FeedRecord): string {
  const { source, data } = record;
  const known = `say.${source} ${variant(record)}`;
  const torrent = text(data['name']) || state.files.torrents.get(text(data['info_hash']))?.name || t('unknownTorrent');
  const contact = data['contact'] as { petname?: string } | undefined;
  const trouble = data['trouble'] as { message?: string } | null | undefined;
  const name = (value: string) => shownName(value, NAME);
  const values: Record<string, string> = {
    torrent: name(torrent),
    size: bytes(Number(data['size'] ?? 0)),
    percent: percent(Number(data['done'] ?? 0) / Math.max(1, Number(data['wanted'] ?? 0))),
    peer: name(nameIn(state, text(data['peer']))),
    path:
      record.kind === 'file-completed'
        ? name(text(data['path']))
        : t(`path.${text(data['to']) || text(data['path'])}`, { defaultValue: '' }),
    state:
      source === 'files'
        ? t(`state.${text(data['state'])}`, { defaultValue: text(data['state']) })
        : text(data['state']),
    reason: shownName(text(data['reason']), 200).replace(/\.$/, ''),
    trouble: shownName(trouble?.message ?? '', 200),
    relay: name(nameIn(state, relayAddress(text(data['url'])))),
    nodes: String(Number(data['nodes'] ?? 0)),
    ms: millis(Number(data['after_ms'] ?? 0)),
    name: name(contact?.petname ?? text(data['petname'])),
    service: text(data['service']),
    part: text(data['part']),
    because: shownName(text((data['health'] as { because?: string } | undefined)?.because), 200),
    source,
    kind: record.kind,
  };
  if (record.kind === 'sample') {
    const sample = data as unknown as Sample;
    values['down'] = rate(moved(sample, 'rate_in'));
    values['up'] = rate(moved(sample, 'rate_out'));
  }
  // Kinds hold dots and colons of nobody's, but i18next would part keys at them.
  return t([known, 'say.other'], { ...values, nsSeparator: false });
}
