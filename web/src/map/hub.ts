import type { Place } from './layout';

/** What a service does now. */
export type Doing = 'off' | 'idle' | 'busy' | 'degraded';

/** A service as the hub shows it. */
export interface HubService {
  id: string;
  name: string;
  doing: Doing;
  /** The same in a word or a figure: `idle`, `48 MB/s`, why it is degraded. */
  note: string;
  /** Its thread: 0 to 7. */
  thread: number;
  /** Its panel. */
  to: string;
  /** Peers it works with now. */
  partners: readonly { id: string; name: string; colour: string }[];
}

export interface HubPartner {
  id: string;
  name: string;
  /** Its thread. */
  colour: string;
  at: Place;
  /** Services it works with. */
  services: readonly string[];
}

export interface Hub {
  width: number;
  height: number;
  self: Place;
  services: readonly { service: HubService; at: Place }[];
  partners: readonly HubPartner[];
}

/** Partners that are drawn; the table has all. */
const MOST_PARTNERS = 24;

/**
 * Services around the hub at the places of a clock, in the order given; with partners, those stand on an outer ring, each
 * near the services it works with.
 */
export function arrangeHub(services: readonly HubService[], width: number, height: number, withPartners: boolean): Hub {
  const self = { x: width / 2, y: height / 2 };
  const side = Math.min(116, width * 0.25);
  const reach = { x: Math.min(260, width / 2 - side), y: height / 2 - 26 };
  const scale = withPartners ? 0.55 : 1;
  const angleOf = (index: number) => (index / services.length) * 2 * Math.PI - Math.PI / 2;
  const at = (angle: number, far: number): Place => ({
    x: Math.round(self.x + Math.cos(angle) * reach.x * far),
    y: Math.round(self.y + Math.sin(angle) * reach.y * far),
  });
  const placed = services.map((service, index) => ({ service, at: at(angleOf(index), scale) }));
  if (!withPartners) return { width, height, self, services: placed, partners: [] };

  const met = new Map<string, { name: string; colour: string; services: string[]; x: number; y: number }>();
  services.forEach((service, index) => {
    for (const { id, name, colour } of service.partners) {
      const partner = met.get(id) ?? { name, colour, services: [], x: 0, y: 0 };
      partner.services.push(service.id);
      partner.x += Math.cos(angleOf(index));
      partner.y += Math.sin(angleOf(index));
      met.set(id, partner);
    }
  });
  // Each would like to stand beyond the middle of its services; on the ring they keep that order, evenly apart.
  const order = [...met]
    .slice(0, MOST_PARTNERS)
    .map(([id, partner]) => ({ id, ...partner, wish: Math.atan2(partner.y, partner.x) }))
    .sort((a, b) => a.wish - b.wish || (a.id < b.id ? -1 : 1));
  const apart = Math.min((2 * Math.PI) / Math.max(1, order.length), 0.42);
  let last = -Infinity;
  const partners = order.map(({ id, name, colour, services, wish }) => {
    last = Math.max(wish, last + apart);
    return { id, name, colour, services, at: at(last, 1) };
  });
  return { width, height, self, services: placed, partners };
}
