import { answer, api } from './client';

/** An address of one path that needs no header: for `<video src>` and downloads, which cannot send one. */
export async function grantUrl(path: string): Promise<string> {
  const { url } = await answer(api.POST('/api/v1/session/grants', { body: { path } }));
  return url;
}
