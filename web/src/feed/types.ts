import type { components } from '../api/schema';
import type { Problem } from '../api/problem';

type Schemas = components['schemas'];

/** One record of the node's event feed. */
export interface FeedRecord {
  /** Place in the feed: from 1, without gaps, for as long as the node runs. */
  seq: number;
  at_ms: number;
  source: string;
  kind: string;
  data: Record<string, unknown>;
}

/** The state of every source at one place of the feed. */
export interface FeedSnapshot {
  seq: number;
  at_ms?: number;
  state: Record<string, unknown>;
}

export type ServiceStatus = Schemas['ServiceStatus'];
export type Health = Schemas['Health'];
export type HealthReport = Schemas['HealthReport'];
export type FullStatus = Schemas['FullStatus'];
export type OverlayStatus = Schemas['OverlayStatus'];
export type ContactView = Schemas['ContactView'];
export type Me = Schemas['Me'];
export type PathKind = Schemas['PathKind'];

/** Sums over all torrents. The feed's own: no operation answers with it, so the API's document does not describe it. */
export interface EngineTotals {
  torrents: number;
  connections: number;
  half_open: number;
  /** Bytes a second. */
  rate_down: number;
  rate_up: number;
  /** Content bytes since the node's start. */
  downloaded: number;
  uploaded: number;
  piece_memory: number;
  /** Why resume state cannot be saved. */
  resume_trouble: Schemas['Trouble'] | null;
}

/** What one service did lately. */
export interface ServiceSample {
  busy: boolean;
  /** Bytes since the node's start. */
  bytes_in: number;
  bytes_out: number;
  /** Bytes a second. */
  rate_in: number;
  rate_out: number;
  /** Peers it works with, at most 32. */
  partners: string[];
  detail: Record<string, unknown>;
}

/** What the node did lately: once a second while anything moves, else every ten seconds. */
export interface Sample {
  interval_ms: number;
  /** Of this process since it started. */
  cpu_ms: number;
  rss_bytes: number;
  /** Today's idle cost: what was spent in seconds in which no content moved. */
  idle: { since_ms: number; bytes: number; cpu_ms: number };
  services: Record<string, ServiceSample>;
}

export interface NodeState {
  status: FullStatus | null;
  health: HealthReport | null;
  sample: Sample | null;
  /** When the sample was taken. */
  sample_at_ms: number;
  /** The node was asked to stop. */
  stopping: boolean;
}

/** A torrent as the list has it: without peers, trackers and files. */
export type Torrent = Schemas['TorrentStatus'] & {
  /** Open peer connections, once a sample has told. */
  peer_count: number | null;
};

export interface FilesState {
  /** By info-hash, in the list's order. */
  torrents: ReadonlyMap<string, Torrent>;
  totals: EngineTotals | null;
}

/** A peer as the overlay's table has it, with what samples tell. */
export type Peer = Schemas['PeerSnapshot'] & { rate_in: number; rate_out: number };

export type NetworkStatus = OverlayStatus;

export interface NetworkState {
  status: NetworkStatus | null;
  /** By key, or by address where there is no key. */
  peers: ReadonlyMap<string, Peer>;
}

export interface PeopleState {
  me: Me | null;
  /** Ordered by name. */
  contacts: readonly ContactView[];
}

export type ChainStatus = Schemas['ChainStatus'];
export type BlockView = Schemas['BlockView'];
export type Validator = Schemas['ValidatorView'];
export type LedgerPeer = Schemas['LedgerPeerView'];
export type EvidenceView = Schemas['EvidenceView'];

/** That the validators changed. */
export interface ValidatorsChange {
  at_ms: number;
  /** The first height they decide. */
  height: number;
  joined: readonly Validator[];
  left: readonly Validator[];
  /** Those with another power than before. */
  weighed: readonly Validator[];
}

export interface LedgerState {
  /** Whether the node has a ledger and has told of it. */
  known: boolean;
  /** The chain it is on. */
  chain: ChainStatus | null;
  /** Why it is on none, if it did not leave by its own will. */
  because: string | null;
  /** Those that decide the next height, by ascending address. */
  validators: readonly Validator[];
  peers: readonly LedgerPeer[];
  evidence: readonly EvidenceView[];
  /** The blocks this page saw come, newest first. */
  blocks: readonly BlockView[];
  /** Newest first. */
  changes: readonly ValidatorsChange[];
}

export type Connection = 'connecting' | 'live' | 'offline' | 'signed-out';

/** Everything the panels show of the node. */
export interface FeedState {
  connection: Connection;
  /** Since when the connection is as it is. */
  since_ms: number;
  /** Why it is offline, where the node said so. */
  problem: Problem | null;
  /** Of the last record. */
  seq: number;
  at_ms: number;
  node: NodeState;
  files: FilesState;
  network: NetworkState;
  people: PeopleState;
  ledger: LedgerState;
  /** Snapshots of sources this page knows nothing of. */
  other: Readonly<Record<string, unknown>>;
  /** The last records, newest last. */
  recent: readonly FeedRecord[];
  replay: null | { at_ms: number };
}

/** More records than this are not kept: what came before is in the node's own history. */
export const MOST_RECENT = 1_000;

export const emptyState: FeedState = {
  connection: 'connecting',
  since_ms: 0,
  problem: null,
  seq: 0,
  at_ms: 0,
  node: { status: null, health: null, sample: null, sample_at_ms: 0, stopping: false },
  files: { torrents: new Map(), totals: null },
  network: { status: null, peers: new Map() },
  people: { me: null, contacts: [] },
  ledger: {
    known: false,
    chain: null,
    because: null,
    validators: [],
    peers: [],
    evidence: [],
    blocks: [],
    changes: [],
  },
  other: {},
  recent: [],
  replay: null,
};
