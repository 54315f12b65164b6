import type { components, paths } from './schema';

/*
 * What this page asks of a node that its OpenAPI document does not describe yet, in the form the generated types have.
 * An entry goes when `npm run api` brings the node's own.
 */

type Schemas = components['schemas'];
type Problem = Schemas['Problem'];

interface Json<T> {
  headers: Record<string, unknown>;
  content: { 'application/json': T };
}

/** What an operation takes. */
interface Takes {
  path?: unknown;
  query?: unknown;
  body?: unknown;
}

type Operation<Answer, T extends Takes = object> = {
  parameters: { header?: never; cookie?: never } & (T extends { path: infer P } ? { path: P } : { path?: never }) &
    (T extends { query: infer Q } ? { query: Q } : { query?: never });
  responses: { 200: Json<Answer>; 400: Json<Problem> };
} & (T extends { body: infer B } ? { requestBody: { content: { 'application/json': B } } } : { requestBody?: never });

/** A session, as the node tells of it. */
export interface SessionView {
  peer: string;
  device_name: string;
  expires_at_ms: number;
}

/** A session that was just made. */
export interface SessionMade extends SessionView {
  /** What every request carries beside the cookie. */
  csrf: string;
}

/** A setting as it stands. */
export interface Setting {
  /** `section.key`. */
  key: string;
  value: unknown;
  /** `default`, or the file, environment variable or flag it came from. */
  origin: string;
  default: unknown;
  takes_effect: 'now' | 'restart';
}

export interface Configuration {
  file: string;
  settings: Setting[];
}

/** What the first run asks for. */
export interface Setup {
  done: boolean;
  identity: { user: string; peer: string; device_name: string; encrypted: boolean };
  files_dir: string;
  download_rate: number | null;
  upload_rate: number | null;
  can_restore: boolean;
}

/** What the ring can show of the past. */
export interface HistoryView {
  now_ms: number;
  head: number;
  oldest: number;
  /** Nothing is kept yet: null. */
  oldest_at_ms: number | null;
  snapshots: { seq: number; at_ms: number }[];
}

/** A moment of the past: a snapshot, and what happened after it. */
export interface Replay {
  at_ms: number;
  snapshot: { seq: number; at_ms?: number; state: Record<string, unknown> };
  records: { seq: number; at_ms: number; source: string; kind: string; data: unknown }[];
}

/** Who gave which part of a torrent, in at most 64 columns. */
export interface Weave {
  /** Peers' keys or addresses; the first is empty: here before this start, or our own. */
  givers: string[];
  /** One character a column: `.` missing, else the giver's index as one of `0-9a-zA-Z`. */
  cells: string;
}

/** The torrent's pieces in columns, and what each peer has of them. */
export interface TorrentMap {
  pieces: number;
  piece_length: number;
  columns: number;
  pieces_done: number;
  givers: { peer: string; pieces: number }[];
  giver: number[];
  have: number[];
  reading: number[];
  availability: number[];
  rows: {
    peer: string;
    key: string | null;
    address: string | null;
    client: string;
    path: string;
    seed: boolean;
    have: number[] | null;
    reading: number[];
  }[];
}

export type Priority = 'skip' | 'low' | 'normal' | 'high';

type OneTorrent = { path: { info_hash: string } };

interface Pending {
  '/api/v1/session': {
    parameters: object;
    get: Operation<SessionView>;
    post: Operation<SessionMade, { body: { code: string } }>;
    delete: Operation<never>;
  };
  '/api/v1/session/grants': { parameters: object; post: Operation<{ url: string }, { body: { path: string } }> };
  '/api/v1/events/history': { parameters: object; get: Operation<HistoryView> };
  '/api/v1/events/replay': { parameters: object; get: Operation<Replay, { query: { at_ms: number } }> };
  '/api/v1/config': { parameters: object; get: Operation<Configuration> };
  '/api/v1/config/{key}': {
    parameters: object;
    put: Operation<Omit<Setting, 'default'>, { path: { key: string }; body: { value: string } }>;
  };
  '/api/v1/restart': { parameters: object; post: Operation<{ url: string }> };
  '/api/v1/identity/phrase': {
    parameters: object;
    post: Operation<{ words: string[] }, { body: { confirm: 'reveal'; passphrase?: string } }>;
  };
  '/api/v1/setup': {
    parameters: object;
    get: Operation<Setup>;
    put: Operation<never, { body: { done: boolean } }>;
  };
  '/api/v1/setup/restore': {
    parameters: object;
    post: Operation<{ url: string }, { body: { phrase: string; device_name?: string } }>;
  };
  '/api/v1/token': { parameters: object; get: Operation<{ token: string; path: string }> };
  '/api/v1/files/torrents/{info_hash}/priorities': {
    parameters: object;
    put: Operation<never, OneTorrent & { body: { priorities: { file: number; priority: Priority }[] } }>;
  };
  '/api/v1/files/torrents/{info_hash}/map': {
    parameters: object;
    get: Operation<TorrentMap, OneTorrent & { query: { columns?: number } }>;
  };
  '/api/v1/files/uploads': { parameters: object; post: Operation<{ id: string }, { body: { name: string } }> };
  '/api/v1/files/uploads/{id}': { parameters: object; delete: Operation<never, { path: { id: string } }> };
  '/api/v1/files/uploads/{id}/share': {
    parameters: object;
    post: Operation<
      Schemas['Added'],
      {
        path: { id: string };
        body: { trackers?: string[]; private?: boolean; comment?: string; public?: boolean };
      }
    >;
  };
}

/** The paths of the API. */
export type Paths = Omit<paths, keyof Pending> & Pending;
