import createClient, { type Middleware } from 'openapi-fetch';
import type { paths } from './schema';
import { ProblemError, problemFrom } from './problem';
import { csrf, signedOut } from './session';

const guard: Middleware = {
  onRequest({ request }) {
    const word = csrf();
    if (word !== null) request.headers.set('X-Weft-CSRF', word);
    return request;
  },
  onResponse({ response }) {
    if (response.status === 401) signedOut();
  },
};

/** The node's API, typed by its OpenAPI document. */
export const api = createClient<paths>({
  baseUrl: location.origin,
  credentials: 'same-origin',
  // Looked up at each call, so that a recording can answer in its place.
  fetch: (request) => globalThis.fetch(request),
});
api.use(guard);

/** The data of an answer, or its problem thrown: `await answer(api.GET('/api/v1/config'))`. */
export async function answer<T>(call: Promise<{ data?: T; error?: unknown; response: Response }>): Promise<T> {
  const { data, error, response } = await call;
  if (!response.ok) throw new ProblemError(problemFrom(response.status, error));
  return data as T;
}
