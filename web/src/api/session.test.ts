import { afterEach, beforeEach, describe, expect, test, vi } from 'vitest';
import { answer, api } from './client';
import { ProblemError } from './problem';
import { begin, csrf, loginCode, signOut, useSession, watchOtherTabs } from './session';

const CODE = 'k3ZrYV9hX2xvZ2luX2NvZGU';
const made = { csrf: 'word', peer: 'abcd', device_name: 'kitchen-nas', expires_at_ms: 9 };

type Answer = (request: Request) => Response;

function node(answers: Record<string, Answer>) {
  const asked: Request[] = [];
  vi.stubGlobal('fetch', (input: RequestInfo | URL, init?: RequestInit) => {
    const request = new Request(input, init);
    asked.push(request.clone());
    const given = answers[`${request.method} ${new URL(request.url).pathname}`];
    return given ? Promise.resolve(given(request)) : Promise.reject(new TypeError('fetch failed'));
  });
  return asked;
}

const json = (status: number, body: unknown) => () => Response.json(body, { status });
const used = { status: 401, code: 'unauthorized', error: 'the code was used', mend: 'run `weft dashboard` again' };

beforeEach(() => {
  localStorage.clear();
  useSession.setState({ state: 'starting', peer: null, device_name: null, expires_at_ms: null, problem: null });
});
afterEach(() => {
  vi.unstubAllGlobals();
  history.replaceState(null, '', '/');
});

describe('the session', () => {
  test('a code in the address is exchanged and leaves the address bar before anything else happens', async () => {
    history.replaceState(null, '', `/files?x=1#login=${CODE}`);
    const asked = node({
      'POST /api/v1/session': () => {
        expect(location.href).toMatch(/\/files\?x=1$/);
        return Response.json(made);
      },
    });
    await begin();
    expect(await asked[0]?.json()).toEqual({ code: CODE });
    expect(useSession.getState()).toMatchObject({ state: 'in', device_name: 'kitchen-nas', peer: 'abcd' });
    expect(csrf()).toBe('word');
  });

  test('a code that was used before says so', async () => {
    history.replaceState(null, '', `/#login=${CODE}`);
    node({ 'POST /api/v1/session': json(401, used) });
    await begin();
    expect(useSession.getState()).toMatchObject({ state: 'out', problem: used });
    expect(location.hash).toBe('');
  });

  test('the same address opened again leads into the session it made', async () => {
    localStorage.setItem('weft.csrf', 'word');
    history.replaceState(null, '', `/#login=${CODE}`);
    node({ 'POST /api/v1/session': json(401, used), 'GET /api/v1/session': json(200, made) });
    await begin();
    expect(useSession.getState()).toMatchObject({ state: 'in', problem: null });
  });

  test('without code and session the page is signed out; with a silent node it waits if it was signed in', async () => {
    node({ 'GET /api/v1/session': json(401, used) });
    await begin();
    expect(useSession.getState()).toMatchObject({ state: 'out', problem: null });
    node({});
    await begin();
    expect(useSession.getState()).toMatchObject({ state: 'out', problem: { code: 'unreachable' } });
    localStorage.setItem('weft.csrf', 'word');
    await begin();
    expect(useSession.getState().state).toBe('in');
  });

  test('signing out forgets the word, also where the node is silent', async () => {
    localStorage.setItem('weft.csrf', 'word');
    useSession.setState({ state: 'in' });
    const asked = node({ 'DELETE /api/v1/session': () => new Response(null, { status: 204 }) });
    await signOut();
    expect(asked[0]?.headers.get('X-Weft-CSRF')).toBe('word');
    expect(csrf()).toBeNull();
    expect(useSession.getState().state).toBe('out');
  });

  test('an address with a code opened in a page that is here already signs in', async () => {
    node({ 'POST /api/v1/session': json(200, made) });
    const stop = watchOtherTabs();
    location.hash = `#login=${CODE}`;
    await vi.waitFor(() => expect(useSession.getState().state).toBe('in'));
    expect(location.hash).toBe('');
    stop();
  });

  test('what is pasted may be the address, its fragment or the code, and nothing else', () => {
    expect(loginCode(` http://127.0.0.1:9338/#login=${CODE} `)).toBe(CODE);
    expect(loginCode(`#login=${CODE}`)).toBe(CODE);
    expect(loginCode(CODE)).toBe(CODE);
    for (const odd of ['', 'short', 'two words here', '<b>not a code</b>', 'x'.repeat(500)])
      expect(loginCode(odd)).toBeNull();
  });
});

describe('the client', () => {
  test('every request carries the word', async () => {
    localStorage.setItem('weft.csrf', 'word');
    const asked = node({ 'GET /api/v1/services': json(200, []) });
    expect(await answer(api.GET('/api/v1/services'))).toEqual([]);
    expect(asked[0]?.headers.get('X-Weft-CSRF')).toBe('word');
  });

  test('401 anywhere signs out', async () => {
    useSession.setState({ state: 'in' });
    node({ 'GET /api/v1/services': json(401, used) });
    await expect(answer(api.GET('/api/v1/services'))).rejects.toMatchObject({ problem: used });
    expect(useSession.getState().state).toBe('out');
  });

  test('a problem is thrown with its cause and mend, whatever the body is', async () => {
    node({ 'GET /api/v1/services': () => new Response('<h1>Bad gateway</h1>', { status: 502 }) });
    const thrown = await answer(api.GET('/api/v1/services')).catch((error: unknown) => error);
    expect(thrown).toBeInstanceOf(ProblemError);
    expect((thrown as ProblemError).problem).toMatchObject({ status: 502, code: 'unknown' });
    node({ 'GET /api/v1/services': json(409, { status: 409, code: 'conflict', error: 'no', mend: 'do so' }) });
    await expect(answer(api.GET('/api/v1/services'))).rejects.toThrow('no do so');
  });
});
