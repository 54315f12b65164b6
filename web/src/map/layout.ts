import { forceCollide, forceSimulation, forceX, forceY, type SimulationNodeDatum } from 'd3-force';

/** A place on the map: the unit disc around this node, y downwards. */
export interface Place {
  x: number;
  y: number;
}

export interface LayoutNode {
  id: string;
  kind: 'peer' | 'relay';
  /** The relay it is reached through: it stands beyond it. */
  via?: string | undefined;
}

interface Body extends SimulationNodeDatum {
  id: string;
  want: Place;
}

/** The forces reckon in pixels of a middling map. */
const RADIUS = 150;
const TICKS = 90;
/** Places of peers that are away are kept for their return; more than this many are not. */
const MOST_REMEMBERED = 1_000;
/** From here on one ring is too full, and the disc is filled. */
const RING = 28;
const GOLDEN = Math.PI * (3 - Math.sqrt(5));

const at = (angle: number, radius: number): Place => ({ x: Math.cos(angle) * radius, y: Math.sin(angle) * radius });

/** Keeps a body that forces push on the map. */
function inside(body: Body) {
  if (body.fx != null) return;
  const far = Math.hypot(body.x ?? 0, body.y ?? 0) / RADIUS;
  if (far <= 1) return;
  body.x = (body.x ?? 0) / far;
  body.y = (body.y ?? 0) / far;
}

/** The middle of the widest gap between angles; the top where there are none. */
function widestGap(angles: number[]): number {
  if (angles.length === 0) return -Math.PI / 2;
  const sorted = angles.map((angle) => ((angle % (2 * Math.PI)) + 2 * Math.PI) % (2 * Math.PI)).sort((a, b) => a - b);
  let best = 0;
  let middle = 0;
  sorted.forEach((angle, index) => {
    const next = sorted[index + 1] ?? (sorted[0] ?? 0) + 2 * Math.PI;
    if (next - angle > best + 1e-9) {
      best = next - angle;
      middle = angle + best / 2;
    }
  });
  return middle;
}

/**
 * Where everybody stands. The same peers in the same order stand at the same places; who has a place keeps it, and who
 * comes finds one between the others. Forces only push newcomers off those who are there.
 */
export class Layout {
  private places = new Map<string, Place>();

  arrange(nodes: readonly LayoutNode[]): ReadonlyMap<string, Place> {
    const fresh = nodes.filter((node) => !this.places.has(node.id));
    if (fresh.length > 0) this.settle(nodes, fresh);
    const here = new Map<string, Place>();
    for (const { id } of nodes) {
      const place = this.places.get(id);
      if (place) here.set(id, place);
    }
    this.forget(here);
    return here;
  }

  private settle(nodes: readonly LayoutNode[], fresh: readonly LayoutNode[]) {
    const seeds = this.seeds(nodes, fresh);
    const gap = Math.min(24, Math.max(5, (RADIUS * 0.85) / Math.sqrt(nodes.length + 1)));
    const bodies: Body[] = nodes.map(({ id }) => {
      const kept = this.places.get(id);
      const want = kept ?? seeds.get(id) ?? { x: 0, y: -1 };
      const body: Body = { id, want, x: want.x * RADIUS, y: want.y * RADIUS };
      if (kept) Object.assign(body, { fx: kept.x * RADIUS, fy: kept.y * RADIUS });
      return body;
    });
    const self: Body = { id: '', want: { x: 0, y: 0 }, x: 0, y: 0, fx: 0, fy: 0 };
    forceSimulation([self, ...bodies])
      .force('x', forceX<Body>((body) => body.want.x * RADIUS).strength(0.12))
      .force('y', forceY<Body>((body) => body.want.y * RADIUS).strength(0.12))
      .force('apart', forceCollide<Body>((body) => (body.id === '' ? Math.max(gap, 30) : gap)).iterations(2))
      .force('inside', () => bodies.forEach(inside))
      .stop()
      .tick(TICKS);
    for (const body of bodies) {
      if (this.places.has(body.id)) continue;
      inside(body);
      this.places.set(body.id, { x: (body.x ?? 0) / RADIUS, y: (body.y ?? 0) / RADIUS });
    }
  }

  /** Where newcomers would like to stand. */
  private seeds(nodes: readonly LayoutNode[], fresh: readonly LayoutNode[]): Map<string, Place> {
    const seeds = new Map<string, Place>();
    const relays = nodes.filter((node) => node.kind === 'relay');
    const anglesOf = (ids: readonly LayoutNode[]) =>
      ids.flatMap(({ id }) => {
        const place = this.places.get(id) ?? seeds.get(id);
        return place ? [Math.atan2(place.y, place.x)] : [];
      });
    // Relays stand at half way, right and left first: there is most room for what is behind them.
    for (const relay of fresh.filter((node) => node.kind === 'relay')) {
      const taken = anglesOf(relays);
      seeds.set(relay.id, at(taken.length === 0 ? 0 : widestGap(taken), 0.48));
    }
    const peers = nodes.filter((node) => node.kind === 'peer');
    const comers = fresh.filter((node) => node.kind === 'peer');
    const behind = new Map<string, number>();
    const direct: LayoutNode[] = [];
    for (const peer of comers) {
      const relay = peer.via === undefined ? undefined : (this.places.get(peer.via) ?? seeds.get(peer.via));
      if (!relay || peer.via === undefined || peers.length > RING) {
        direct.push(peer);
        continue;
      }
      const place = behind.get(peer.via) ?? 0;
      behind.set(peer.via, place + 1);
      // 0, +1, -1, +2 … steps aside from the line through the relay.
      const aside = Math.ceil(place / 2) * (place % 2 === 0 ? -1 : 1);
      seeds.set(peer.id, at(Math.atan2(relay.y, relay.x) + 0.2 + aside * 0.3, 1));
    }
    if (peers.length > RING) {
      // A sunflower: fills the disc evenly, whatever their number.
      direct.forEach((peer, index) => {
        const part = (index + 0.5 + (peers.length - direct.length)) / peers.length;
        seeds.set(peer.id, at(index * GOLDEN - Math.PI / 2, 0.26 + 0.74 * Math.sqrt(part)));
      });
      return seeds;
    }
    const none = anglesOf(peers).length === 0;
    direct.forEach((peer, index) => {
      const angle = none ? -Math.PI / 2 + (index / direct.length) * 2 * Math.PI : widestGap(anglesOf(peers));
      if (!none) seeds.set(peer.id, at(angle, 0.9));
      else seeds.set(peer.id, at(angle, direct.length > 7 && index % 2 === 1 ? 0.84 : 0.98));
    });
    return seeds;
  }

  private forget(here: ReadonlyMap<string, Place>) {
    for (const id of this.places.keys()) {
      if (this.places.size <= Math.max(MOST_REMEMBERED, here.size)) return;
      if (!here.has(id)) this.places.delete(id);
    }
  }
}
