import { random } from '../feed/synthetic';
import type { WeaveMap } from './cloth';
import { UNDYED } from './thread';

/** A map as the API gives it, out of a seed: for tests, never for the page. */
export function mapOf(seed: number, pieces: number, most: number, peers: number): WeaveMap {
  const chance = random(seed);
  const below = (limit: number) => Math.floor(chance() * limit);
  const columns = Math.min(pieces, most);
  const givers = [UNDYED, ...Array.from({ length: peers }, (_, index) => `peer${String(index)}`)];
  const giver = Array.from({ length: columns }, () => (chance() < 0.3 ? -1 : below(givers.length)));
  const some = () => Array.from({ length: columns }, (_, c) => c).filter(() => chance() < 0.05);
  return {
    pieces,
    columns,
    pieces_done: 0,
    givers: givers.map((peer) => ({ peer, pieces: 1 })),
    giver,
    have: giver.map((index) => (index < 0 ? 0 : 1 + below(100))),
    reading: some(),
    availability: Array.from({ length: columns }, () => below(peers + 1)),
    rows: givers.slice(1).map((peer, index) => ({
      peer,
      seed: index === 0,
      have: index === 0 ? null : Array.from({ length: columns }, () => below(101)),
      reading: some(),
    })),
  };
}
