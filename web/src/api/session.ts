import { create } from 'zustand';
import { problemFrom, unreachable, type Problem } from './problem';
import type { components } from './schema';

/** Where this page keeps the word that makes its cookie worth something. One origin is one node, so nodes do not mix. */
const CSRF = 'weft.csrf';

type SignedIn = components['schemas']['SignedIn'];

export interface Session {
  /** `starting` until the node has said whether it knows us. */
  state: 'starting' | 'in' | 'out';
  peer: string | null;
  device_name: string | null;
  expires_at_ms: number | null;
  /** Why the last attempt to sign in failed. */
  problem: Problem | null;
}

const nobody = { peer: null, device_name: null, expires_at_ms: null };

export const useSession = create<Session>()(() => ({ state: 'starting', ...nobody, problem: null }));

/** What every request carries beside the cookie. */
export function csrf(): string | null {
  return localStorage.getItem(CSRF);
}

/** The one-time code in what a person pasted: the whole address, its fragment, or the code alone. */
export function loginCode(text: string): string | null {
  const pasted = text.trim();
  const code = /#login=([^&\s]+)/.exec(pasted)?.[1] ?? pasted;
  return /^[A-Za-z0-9_-]{8,128}$/.test(code) ? code : null;
}

/** The code in the address bar, which is taken out of it: neither the history nor a bookmark shall keep it. */
function codeFromAddress(): string | null {
  if (!location.hash.startsWith('#login=')) return null;
  const code = loginCode(location.hash);
  history.replaceState(history.state, '', location.pathname + location.search);
  return code;
}

async function request(method: string, body?: unknown): Promise<Response> {
  const headers: Record<string, string> = {};
  const word = csrf();
  if (word !== null) headers['X-Weft-CSRF'] = word;
  if (body !== undefined) headers['Content-Type'] = 'application/json';
  return fetch(new URL('/api/v1/session', location.origin), {
    method,
    headers,
    credentials: 'same-origin',
    body: body === undefined ? null : JSON.stringify(body),
  });
}

async function bodyOf(response: Response): Promise<unknown> {
  const text = await response.text();
  try {
    return JSON.parse(text);
  } catch {
    return text;
  }
}

function enter(view: SignedIn) {
  const { peer, device_name, expires_at_ms = null } = view;
  useSession.setState({ state: 'in', peer, device_name, expires_at_ms, problem: null });
}

/** Exchanges a one-time code for a session. */
export async function signIn(code: string): Promise<boolean> {
  try {
    const response = await request('POST', { code });
    const body = await bodyOf(response);
    if (!response.ok) {
      useSession.setState({ state: 'out', ...nobody, problem: problemFrom(response.status, body) });
      return false;
    }
    const made = body as SignedIn;
    if (made.csrf != null) localStorage.setItem(CSRF, made.csrf);
    enter(made);
    return true;
  } catch {
    useSession.setState({ state: 'out', ...nobody, problem: unreachable() });
    return false;
  }
}

/** At the page's start: a code in the address, else the session there is. */
export async function begin(): Promise<void> {
  const code = codeFromAddress();
  // An address that was used before still leads in where the session it made lives on.
  if (code !== null && ((await signIn(code)) || csrf() === null)) return;
  try {
    const response = await request('GET');
    const body = await bodyOf(response);
    if (response.ok) enter(body as SignedIn);
    else if (response.status === 401) useSession.setState({ state: 'out', ...nobody, problem: null });
    else useSession.setState({ state: 'out', ...nobody, problem: problemFrom(response.status, body) });
  } catch {
    // The node is silent: a page that was signed in says so and waits for it; another one cannot do anything yet.
    if (csrf() === null) useSession.setState({ state: 'out', ...nobody, problem: unreachable() });
    else useSession.setState({ state: 'in', problem: null });
  }
}

/** The node no longer knows us. */
export function signedOut(): void {
  if (useSession.getState().state === 'out') return;
  localStorage.removeItem(CSRF);
  useSession.setState({ state: 'out', ...nobody, problem: null });
}

/** Ends the session, here and at the node. */
export async function signOut(): Promise<void> {
  try {
    await request('DELETE');
  } finally {
    signedOut();
  }
}

/** Another tab may sign in or out; and an address with a code may be opened in a tab that is already here. */
export function watchOtherTabs(): () => void {
  const onStorage = (event: StorageEvent) => {
    if (event.key === CSRF) void begin();
  };
  const onHash = () => {
    if (location.hash.startsWith('#login=')) void begin();
  };
  addEventListener('storage', onStorage);
  addEventListener('hashchange', onHash);
  return () => {
    removeEventListener('storage', onStorage);
    removeEventListener('hashchange', onHash);
  };
}
