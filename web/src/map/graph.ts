/** How bytes get to a peer now. */
export type Route = 'direct' | 'relayed' | 'circuit' | 'offline';

/** A peer on the map. */
export interface MapPeer {
  id: string;
  /** Already fit to be shown. */
  name: string;
  route: Route;
  /** The relay between us and it, by its id. */
  via?: string | undefined;
  /** Under the name: its round trip and rate, or since when it is away. */
  note: string;
  /** Bytes a second, from it and to it. */
  rate_in: number;
  rate_out: number;
  /** Its thread. */
  colour: string;
  pattern: 0 | 1 | 2;
  /** Where it is told of in full. */
  to: string;
}

/** A relay that some path goes through. */
export interface MapRelay {
  id: string;
  name: string;
  note: string;
}

/** This node's connections. */
export interface Connections {
  peers: readonly MapPeer[];
  relays: readonly MapRelay[];
}
