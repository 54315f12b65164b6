import type { Draft } from '../draft';
import type { FeedRecord, NetworkStatus, PathKind, Peer, ServiceSample } from '../types';
import { listOf, type Source } from './source';

/** More peers than this are not kept: the API has them all. */
const MOST_PEERS = 1_000;

function met(id: string, at_ms: number): Peer {
  return {
    id,
    key: id.includes(':') ? null : id,
    contact: false,
    connections: 0,
    path: null,
    direction: null,
    via_relay: null,
    connected_since_ms: null,
    first_seen_ms: at_ms,
    last_seen_ms: at_ms,
    rtt_ms: null,
    rtt_min_ms: null,
    served_bytes_per_s: null,
    bytes_in: 0,
    bytes_out: 0,
    paths: [],
    failures_in_a_row: 0,
    last_failure: null,
    addresses: [],
    relays: [],
    agent: null,
    hello: {},
    rate_in: 0,
    rate_out: 0,
  };
}

/** Changes a peer, which is met where it was not known. */
function peer(draft: Draft, id: string, at_ms: number, change: (peer: Peer) => Partial<Peer>) {
  const { peers } = draft.state.network;
  const known = peers.get(id);
  const holder = { peer: known ?? met(id, at_ms) };
  draft.patch(holder, 'peer', change(holder.peer));
  if (holder.peer === known) return;
  const network = draft.part('network');
  const owned = draft.own(peers);
  if (!known && owned.size >= MOST_PEERS) forget(owned);
  owned.set(id, holder.peer);
  network.peers = owned;
}

/** Makes room: the peer that is away longest goes. */
function forget(peers: Map<string, Peer>) {
  let oldest: Peer | undefined;
  for (const peer of peers.values()) {
    if (peer.connections === 0 && (!oldest || peer.last_seen_ms < oldest.last_seen_ms)) oldest = peer;
  }
  const first = oldest?.id ?? peers.keys().next().value;
  if (first !== undefined) peers.delete(first);
}

function status(draft: Draft, change: Partial<NetworkStatus>) {
  const network = draft.part('network');
  draft.patch(network, 'status', change);
}

/** The relay that an event names, if the path is relayed. */
function relayIn(data: FeedRecord['data']): Pick<Peer, 'via_relay'> {
  return { via_relay: typeof data['via_relay'] === 'string' ? data['via_relay'] : null };
}

function connected(draft: Draft, { data, at_ms }: FeedRecord, incoming?: boolean) {
  peer(draft, String(data['peer']), at_ms, (peer) => ({
    path: data['path'] as PathKind,
    ...relayIn(data),
    connections: Math.max(1, peer.connections),
    connected_since_ms: peer.connected_since_ms ?? at_ms,
    last_seen_ms: Math.max(peer.last_seen_ms, at_ms),
    ...(incoming === undefined ? {} : { direction: incoming ? ('in' as const) : ('out' as const) }),
  }));
}

const away = {
  connections: 0,
  path: null,
  direction: null,
  via_relay: null,
  connected_since_ms: null,
  rate_in: 0,
  rate_out: 0,
};

function relay(draft: Draft, url: string, change: Partial<NetworkStatus['relays'][number]>) {
  const relays = draft.state.network.status?.relays;
  if (!relays) return;
  const known = relays.some((relay) => relay.url === url);
  const all = known ? relays : [...relays, { url, usable: true, home: false, rtt_ms: null }];
  status(draft, { relays: all.map((relay) => (relay.url === url ? { ...relay, ...change } : relay)) });
}

function home(draft: Draft, url: string | null) {
  const relays = draft.state.network.status?.relays ?? [];
  status(draft, { home_relay: url, relays: relays.map((relay) => ({ ...relay, home: relay.url === url })) });
}

/** The part of a sample that tells of peers and the DHT: with peers it does not name, nothing moves. */
export function networkDetail(draft: Draft, sample: ServiceSample) {
  const named = new Set<string>();
  for (const entry of listOf<Partial<Peer>>(sample.detail?.['peers'])) {
    if (typeof entry.id !== 'string') continue;
    named.add(entry.id);
    const { id, ...rest } = entry;
    peer(draft, id, draft.state.at_ms, (peer) =>
      entry.path === null ? { ...away, ...rest } : { ...rest, connections: Math.max(1, peer.connections) },
    );
  }
  for (const [id, known] of draft.state.network.peers) {
    if (named.has(id) || (known.rate_in === 0 && known.rate_out === 0)) continue;
    peer(draft, id, draft.state.at_ms, () => ({ rate_in: 0, rate_out: 0 }));
  }
  const dht = sample.detail?.['dht'] as Partial<NetworkStatus['dht']> | undefined;
  const now = draft.state.network.status?.dht;
  if (dht && now) status(draft, { dht: { ...now, ...dht } });
}

/** A content connection, of which the files source tells. Those of the overlay are told of by the network itself. */
function content(draft: Draft, record: FeedRecord) {
  const path = record.data['path'] as PathKind;
  if (path !== 'tcp' && path !== 'tls') return;
  const id = String(record.data['peer']);
  if (record.kind === 'peer-connected') connected(draft, record);
  else if ((draft.state.network.peers.get(id)?.connections ?? 0) <= 1) peer(draft, id, record.at_ms, () => away);
}

export const network: Source = {
  snapshot(draft, state) {
    const { status, peers } = (state ?? {}) as { status?: NetworkStatus; peers?: unknown };
    const list = listOf<Peer>(peers);
    draft.state.network = {
      status: status ?? null,
      peers: new Map(list.map((peer) => [peer.id, { ...peer, rate_in: 0, rate_out: 0 }])),
    };
  },

  record(draft, record) {
    const { data, at_ms } = record;
    const id = String(data['peer']);
    const url = String(data['url']);
    if (record.source === 'files') return content(draft, record);
    switch (record.kind) {
      case 'peer-connected':
        return connected(draft, record, data['incoming'] === true);
      case 'peer-path-changed':
        return peer(draft, id, at_ms, () => ({ path: data['to'] as PathKind, ...relayIn(data) }));
      case 'peer-disconnected':
        return peer(draft, id, at_ms, (peer) => ({ ...away, last_seen_ms: Math.max(peer.last_seen_ms, at_ms) }));
      case 'addresses-changed':
        return status(draft, { addresses: listOf<string>(data['addresses']) });
      case 'relay-added':
        return relay(draft, url, { usable: true });
      case 'relay-lost':
        relay(draft, url, { usable: false, home: false });
        if (draft.state.network.status?.home_relay === url) home(draft, null);
        return;
      case 'home-relay':
        relay(draft, url, { usable: true });
        return home(draft, url);
      case 'relay-offered': {
        const clients = draft.state.network.status?.offered_relay?.clients ?? 0;
        const discovery_port = Number(data['discovery_port']);
        return status(draft, { offered_relay: { url, discovery_port, clients } });
      }
      case 'relay-withdrawn':
        return status(draft, { offered_relay: null });
      case 'dht': {
        const dht = draft.state.network.status?.dht;
        if (!dht) return;
        const state = data['state'] as NetworkStatus['dht']['state'];
        return status(draft, { dht: { ...dht, state, nodes: Number(data['nodes']) } });
      }
      default:
        return;
    }
  },
};
