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
    (T extends { query?: infer Q } ? { query?: Q } : { query?: never });
  responses: { 200: Json<Answer>; 400: Json<Problem> };
} & (T extends { body: infer B } ? { requestBody: { content: { 'application/json': B } } } : { requestBody?: never });

/** The map of a torrent; the node leaves nothing away that is null. */
export type TorrentMap = Omit<Schemas['TorrentMap'], 'rows'> & {
  rows: (Omit<Schemas['MapRow'], 'have'> & { have: number[] | null })[];
};
export type Priority = Schemas['FilePriority'];

interface Pending {
  '/api/v1/files/torrents/{info_hash}/map': {
    parameters: object;
    get: Operation<TorrentMap, { path: { info_hash: string }; query?: { columns?: number } }>;
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
