import type { Connections, MapPeer, MapRelay } from './graph';
import { placeLabels, type Label } from './labels';
import type { Layout, Place } from './layout';

/** A line from one point to another, or by way of a relay. */
export interface Line {
  key: string;
  points: readonly Place[];
  route: MapPeer['route'] | 'to-relay';
  /** Pixels. */
  width: number;
}

export interface PeerMark {
  peer: MapPeer;
  at: Place;
  label: Label | undefined;
}

export interface RelayMark {
  relay: MapRelay;
  at: Place;
  label: Label | undefined;
}

/** Bytes on their way along a line. */
export interface Packet {
  key: string;
  points: readonly Place[];
  /** How long a packet takes, by how much moves: one of three, so that a sample does not start it anew. */
  seconds: 1.2 | 1.8 | 2.6;
  colour: string;
}

/** Everything that is drawn, in pixels: for SVG and canvas alike. */
export interface Scene {
  width: number;
  height: number;
  self: Place;
  lines: readonly Line[];
  peers: readonly PeerMark[];
  relays: readonly RelayMark[];
  packets: readonly Packet[];
}

/** Lines with packets; more would only flicker. */
const MOST_PACKETS = 16;
/** Below this a line is at rest: keeping a connection alive is not moving content. */
const MOVING = 2_000;

/** A line's width by what moves on it: each tenfold is one pixel more. */
export function lineWidth(bytes_per_s: number): number {
  return bytes_per_s < MOVING ? 1.2 : Math.min(5, 1.2 + Math.log10(bytes_per_s / MOVING));
}

function pace(bytes_per_s: number): Packet['seconds'] {
  return bytes_per_s > 5_000_000 ? 1.2 : bytes_per_s > 200_000 ? 1.8 : 2.6;
}

/** Sets the connections out on a map of this size. */
export function compose({ peers, relays }: Connections, layout: Layout, width: number, height: number): Scene {
  const nodes = [
    ...relays.map(({ id }) => ({ id: `relay ${id}`, kind: 'relay' as const })),
    ...peers.map(({ id, via }) => ({ id, kind: 'peer' as const, via: via === undefined ? undefined : `relay ${via}` })),
  ];
  const places = layout.arrange(nodes);
  // Room for names at both sides, and for two lines below.
  const side = Math.min(110, width * 0.24);
  const self = { x: width / 2, y: height / 2 };
  const at = (id: string): Place => {
    const place = places.get(id) ?? { x: 0, y: 0 };
    return {
      x: Math.round(self.x + place.x * (width / 2 - side)),
      y: Math.round(self.y + place.y * (height / 2 - 26)),
    };
  };
  const relayAt = new Map(relays.map(({ id }) => [id, at(`relay ${id}`)]));
  const throughRelay = new Map<string, number>();
  const lines: Line[] = [];
  const packets: (Packet & { rate: number })[] = [];
  const marks = peers.map((peer) => ({ peer, at: at(peer.id) }));
  for (const { peer, at: end } of marks) {
    if (peer.route === 'offline') continue;
    const moving = peer.rate_in + peer.rate_out;
    const relay = peer.via === undefined ? undefined : relayAt.get(peer.via);
    const path = relay ? [self, relay, end] : [self, end];
    if (relay && peer.via !== undefined) throughRelay.set(peer.via, (throughRelay.get(peer.via) ?? 0) + moving);
    lines.push({ key: peer.id, points: relay ? [relay, end] : path, route: peer.route, width: lineWidth(moving) });
    const { id, colour } = peer;
    if (peer.rate_in >= MOVING)
      packets.push({
        key: `${id} in`,
        points: [...path].reverse(),
        seconds: pace(peer.rate_in),
        colour,
        rate: peer.rate_in,
      });
    if (peer.rate_out >= MOVING)
      packets.push({
        key: `${id} out`,
        points: path,
        seconds: pace(peer.rate_out),
        colour: 'var(--accent)',
        rate: peer.rate_out,
      });
  }
  for (const { id } of relays) {
    const end = relayAt.get(id);
    if (end)
      lines.push({
        key: `relay ${id}`,
        points: [self, end],
        route: 'to-relay',
        width: lineWidth(throughRelay.get(id) ?? 0),
      });
  }
  const labels = placeLabels(
    [
      ...relays.map(({ id, name }) => ({ id: `relay ${id}`, name, at: relayAt.get(id) ?? self, below: true })),
      ...marks.map(({ peer, at }) => ({ id: peer.id, name: peer.name, at, below: false })),
    ],
    width,
    height,
  );
  packets.sort((a, b) => b.rate - a.rate);
  return {
    width,
    height,
    self,
    lines,
    peers: marks.map((mark) => ({ ...mark, label: labels.get(mark.peer.id) })),
    relays: relays.map((relay) => ({
      relay,
      at: relayAt.get(relay.id) ?? self,
      label: labels.get(`relay ${relay.id}`),
    })),
    // Drawn in the order of their names: an element that changes its place would begin its way anew.
    packets: packets
      .slice(0, MOST_PACKETS)
      .sort((a, b) => (a.key < b.key ? -1 : 1))
      .map(({ rate: _, ...packet }) => packet),
  };
}
