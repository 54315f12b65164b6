import { answer, api } from '../../api/client';
import type { components } from '../../api/schema';

type Schemas = components['schemas'];
export type RateLimits = Schemas['RateLimits'];
export type Added = Schemas['Added'];
export type AddRequest = Partial<Schemas['AddRequest']>;
export type Creation = Schemas['Creation'];
export type PeerStatus = Schemas['PeerStatus'];
export type Exchange = Schemas['ExchangeStatus'];
export type TrackerStatus = Schemas['TrackerStatus'];
export type Trouble = Schemas['Trouble'];
export type Priority = Schemas['FilePriority'];
export type TorrentMap = Schemas['TorrentMap'];

/** A file of a torrent. Nodes that know no priorities say `selected` alone. */
export type FileStatus = Schemas['FileStatus'] & { priority?: Priority };

/** One torrent with everything. */
export type Detail = Omit<Schemas['TorrentStatus'], 'files'> & { files: FileStatus[] };

/** What a file's priority is, on every node. */
export function priorityOf(file: FileStatus): Priority {
  return file.priority ?? (file.selected ? 'normal' : 'skip');
}

const of = (info_hash: string) => ({ params: { path: { info_hash } } });

export const keys = {
  torrent: (info_hash: string) => ['files', 'torrent', info_hash] as const,
  map: (info_hash: string, columns: number) => ['files', 'map', info_hash, columns] as const,
  link: (info_hash: string, open: boolean) => ['files', 'link', info_hash, open] as const,
  limits: ['files', 'limits'] as const,
  creations: ['files', 'creations'] as const,
};

export function torrent(info_hash: string): Promise<Detail> {
  return answer(api.GET('/api/v1/files/torrents/{info_hash}', of(info_hash)));
}

export function map(info_hash: string, columns: number): Promise<TorrentMap> {
  const params = { path: { info_hash }, query: { columns } };
  return answer(api.GET('/api/v1/files/torrents/{info_hash}/map', { params }));
}

/** The link by which others get it, with this node's key or without. */
export async function link(info_hash: string, open: boolean): Promise<string> {
  const params = { path: { info_hash }, query: { public: open } };
  const { magnet } = await answer(api.GET('/api/v1/files/torrents/{info_hash}/magnet', { params }));
  return magnet;
}

/** The `.torrent` file. */
export function metainfo(info_hash: string): Promise<Blob> {
  const call = api.GET('/api/v1/files/torrents/{info_hash}/metainfo', { ...of(info_hash), parseAs: 'blob' });
  return answer<Blob>(call);
}

export function add(request: AddRequest, signal?: AbortSignal): Promise<Added> {
  const body = request as Schemas['AddRequest'];
  return answer(api.POST('/api/v1/files/torrents', { body, ...(signal && { signal }) }));
}

export function creations(): Promise<Creation[]> {
  return answer(api.GET('/api/v1/files/creations'));
}

export function pause(info_hash: string): Promise<unknown> {
  return answer(api.POST('/api/v1/files/torrents/{info_hash}/pause', of(info_hash)));
}

export function resume(info_hash: string): Promise<unknown> {
  return answer(api.POST('/api/v1/files/torrents/{info_hash}/resume', of(info_hash)));
}

export function recheck(info_hash: string): Promise<unknown> {
  return answer(api.POST('/api/v1/files/torrents/{info_hash}/recheck', of(info_hash)));
}

export function remove(info_hash: string, data: boolean): Promise<unknown> {
  const params = { path: { info_hash }, query: { data } };
  return answer(api.DELETE('/api/v1/files/torrents/{info_hash}', { params }));
}

export function setPriorities(info_hash: string, priorities: { file: number; priority: Priority }[]): Promise<unknown> {
  const call = { ...of(info_hash), body: { priorities } };
  return answer(api.PUT('/api/v1/files/torrents/{info_hash}/priorities', call));
}

export function addPeers(info_hash: string, peers: string[]): Promise<unknown> {
  return answer(api.POST('/api/v1/files/torrents/{info_hash}/peers', { ...of(info_hash), body: { peers } }));
}

export function limits(): Promise<RateLimits> {
  return answer(api.GET('/api/v1/files/limits'));
}

export function setLimits(body: RateLimits): Promise<RateLimits> {
  return answer(api.PUT('/api/v1/files/limits', { body }));
}

export function setTorrentLimits(info_hash: string, body: RateLimits): Promise<unknown> {
  return answer(api.PUT('/api/v1/files/torrents/{info_hash}/limits', { ...of(info_hash), body }));
}

export async function beginUpload(name: string): Promise<string> {
  const { id } = await answer(api.POST('/api/v1/files/uploads', { body: { name } }));
  return id;
}

export function shareUpload(id: string, options: { public: boolean }, signal?: AbortSignal): Promise<Added> {
  // What is absent has the node's default.
  const body = options as Schemas['ShareRequest'];
  const call = { params: { path: { id } }, body, ...(signal && { signal }) };
  return answer(api.POST('/api/v1/files/uploads/{id}/share', call));
}

export function dropUpload(id: string): Promise<unknown> {
  return answer(api.DELETE('/api/v1/files/uploads/{id}', { params: { path: { id } } }));
}

/** Where a file's bytes are, for a grant. */
export function contentPath(info_hash: string, file: number): string {
  return `/api/v1/files/torrents/${info_hash}/files/${String(file)}/content`;
}
