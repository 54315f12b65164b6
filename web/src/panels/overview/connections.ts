import type { TFunction } from 'i18next';
import type { FeedState } from '../../feed/store';
import type { Peer } from '../../feed/types';
import { duration, millis, rate, shortKey } from '../../figures';
import { shownName } from '../../look/Name';
import type { Connections, MapPeer, MapRelay, Route } from '../../map/graph';
import { deviceBehind, nameIn, threadOf } from '../../threads';

/** Who left so long ago is shown no more, unless you know them. */
const GONE_MS = 10 * 60_000;
/** A name on the map is a word, not a line. */
const NAME = 18;
/** Below this nothing that a person would call a transfer moves. */
const MOVING = 2_000;

const ROUTES: Record<string, Route> = { tcp: 'direct', tls: 'direct', direct: 'direct', relayed: 'relayed' };
/** What is open in several ways is shown by the best one. */
const BEST: Route[] = ['direct', 'relayed', 'circuit'];

/** One device, by whatever addresses and keys it is known. */
interface Device {
  id: string;
  peers: Peer[];
  known: boolean;
}

function devices(state: FeedState): Device[] {
  const found = new Map<string, Device>();
  const self = state.node.status?.peer ?? state.people.me?.device_key;
  const device = (id: string) => {
    let one = found.get(id);
    if (!one) {
      one = { id, peers: [], known: false };
      found.set(id, one);
    }
    return one;
  };
  for (const contact of state.people.contacts) {
    for (const { device_key } of contact.devices) if (device_key !== self) device(device_key).known = true;
  }
  for (const peer of state.network.peers.values()) {
    const id = deviceBehind(state, peer.id);
    if (id !== self) device(id).peers.push(peer);
  }
  return [...found.values()];
}

function routeOf(peers: readonly Peer[]): Route {
  const open = peers.filter((peer) => peer.connections > 0).map((peer) => ROUTES[peer.path ?? ''] ?? 'circuit');
  return BEST.find((route) => open.includes(route)) ?? 'offline';
}

/** The first part of a relay's host is its peer's key. */
export function relayKey(url: string): string {
  const host = /^[a-z]+:\/\/([^/:]+)/.exec(url)?.[1] ?? url;
  const first = host.split('.')[0] ?? host;
  return first.length === 52 ? first : host;
}

/** Who this node is connected to, as the map shows it. */
export function connectionsOf(state: FeedState, t: TFunction): Connections {
  const used = new Map<string, MapRelay>();
  const relay = (url: string): string => {
    const key = relayKey(url);
    const known = state.network.status?.relays.find((one) => one.url === url);
    const name = key.includes('.') ? shortKey(key) : nameIn(state, key);
    used.set(key, {
      id: key,
      name: t('map.relay', { name: shownName(name, NAME) }),
      note: known?.rtt_ms == null ? '' : millis(known.rtt_ms),
    });
    return key;
  };
  const home = state.network.status?.home_relay ?? undefined;
  if (home) relay(home);

  const all = devices(state).map((device) => {
    const seen = Math.max(0, ...device.peers.map((peer) => peer.last_seen_ms));
    return { device, route: routeOf(device.peers), seen };
  });
  const shown = all.filter(
    ({ device, route, seen }) =>
      route !== 'offline' || device.known || (hasKey(device) && state.at_ms - seen < GONE_MS),
  );
  shown.sort((a, b) => (a.device.id < b.device.id ? -1 : 1));
  const peers = shown.map(({ device, route, seen }): MapPeer => {
    const open = device.peers.filter((peer) => peer.connections > 0);
    const rate_in = open.reduce((sum, peer) => sum + peer.rate_in, 0);
    const rate_out = open.reduce((sum, peer) => sum + peer.rate_out, 0);
    const rtt = open.find((peer) => peer.rtt_ms != null)?.rtt_ms;
    const url = route === 'relayed' ? (open.find((peer) => peer.via_relay)?.via_relay ?? home) : undefined;
    const moving = rate_in + rate_out >= MOVING ? rate(rate_in + rate_out) : undefined;
    const thread = threadOf(device.id);
    const away =
      seen > 0
        ? t('map.offline', { duration: duration(Math.floor((state.at_ms - seen) / 60_000) * 60) })
        : t('map.route.offline');
    return {
      id: device.id,
      name: shownName(nameIn(state, device.id), NAME),
      route,
      via: url === undefined ? undefined : relay(url),
      note:
        route === 'offline'
          ? away
          : [rtt == null ? undefined : millis(rtt), moving].filter(Boolean).join(' · ') ||
            t(`map.route.${route === 'relayed' ? 'relayed-somewhere' : route}`),
      rate_in,
      rate_out,
      colour: thread.colour,
      pattern: thread.pattern,
      to: `/peers/${encodeURIComponent(device.id)}`,
    };
  });
  return { peers, relays: [...used.values()] };
}

function hasKey(device: Device): boolean {
  return device.peers.some((peer) => peer.key != null);
}
