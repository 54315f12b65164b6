import { spawn } from 'node:child_process';
import { once } from 'node:events';
import path from 'node:path';
import { REBOUND, signedIn } from '../browser';
import { lab, ORIGIN, PORT } from '../lab';
import type { Scene } from '../scene';
import { must, until } from '../until';

const ELSEWHERE = 9400;

/** What a page of somebody else got from the node: a status, or that the browser gave it nothing. */
interface Got {
  what: string;
  status: number | null;
  text: string;
}

/** A page of somebody else in the same browser, where the node's cookie is, asks the node for things: it gets nothing. */
export const strangers: Scene = async () => {
  const window = await signedIn('cara');
  const { page, context } = window;
  const [cookie] = await context.cookies(ORIGIN);
  must(cookie, 'there is no cookie');
  must(cookie.httpOnly && cookie.sameSite === 'Strict', `the cookie is ${JSON.stringify({ ...cookie, value: '…' })}`);
  must(cookie.name === `weft-${lab.cara.key.slice(0, 8)}`, `the cookie is called ${cookie.name}`);

  // The cookie alone: from the page's own origin, but without the word that only the page has.
  const bare = await page.evaluate(async () => {
    const ask = async (method: string, to: string) => (await fetch(to, { method, credentials: 'include' })).status;
    return [
      await ask('GET', '/api/v1/status'),
      await ask('GET', '/api/v1/events'),
      await ask('POST', '/api/v1/restart'),
    ];
  });
  must(
    bare.every((status) => status === 401 || status === 403),
    `the cookie alone is worth ${bare.join(', ')}`,
  );
  // And with it: it is the word that was missing.
  const whole = await page.evaluate(async () => {
    const word = localStorage.getItem('weft.csrf') ?? '';
    return (await fetch('/api/v1/status', { headers: { 'X-Weft-CSRF': word } })).status;
  });
  must(whole === 200, `with its word the page gets ${String(whole)}`);

  const server = await elsewhere();
  const before = await lab.cara.torrents();
  const { pid } = await lab.cara.get<{ pid: number }>('/status');
  const refusals: string[] = [];
  try {
    const stranger = await context.newPage();
    for (const host of ['127.0.0.1', 'localhost']) {
      // On 127.0.0.1 it is the same site: cookies ignore ports, so the browser sends ours along.
      await stranger.goto(`http://${host}:${String(ELSEWHERE)}/`);
      const got = await stranger.evaluate(async (node) => {
        const all: Got[] = [];
        const ask = async (what: string, to: string, how: RequestInit) => {
          try {
            const answer = await fetch(node + to, { credentials: 'include', ...how });
            all.push({ what, status: answer.status, text: (await answer.text()).slice(0, 200) });
          } catch {
            all.push({ what, status: null, text: '' });
          }
        };
        await ask('fetch', '/api/v1/status', {});
        await ask('fetch with a header', '/api/v1/status', { headers: { 'X-Weft-CSRF': 'guessed' } });
        await ask('simple post', '/api/v1/restart', { method: 'POST', body: 'confirm=1' });
        await ask('post as text', '/api/v1/files/torrents', {
          method: 'POST',
          body: '{"info_hash":"0123456789abcdef0123456789abcdef01234567"}',
          headers: { 'Content-Type': 'text/plain' },
        });
        await ask('login', '/api/v1/session', { method: 'POST', body: '{"code":"guessed-guessed"}' });
        await ask('page', '/', {});
        return all;
      }, ORIGIN);
      for (const { what, status, text } of got) {
        must(
          status === null,
          `${what} from ${host}:${String(ELSEWHERE)} could read an answer: ${String(status)} ${text}`,
        );
        refusals.push(what);
      }

      // A form needs no leave of the browser: the node itself must refuse it.
      const [answer] = await Promise.all([
        stranger.waitForResponse((response) => response.url() === `${ORIGIN}/api/v1/restart`),
        stranger.evaluate((node) => {
          const form = document.createElement('form');
          form.method = 'post';
          form.action = `${node}/api/v1/restart`;
          document.body.append(form);
          form.submit();
        }, ORIGIN),
      ]);
      must([401, 403].includes(answer.status()), `a form from ${host} got ${String(answer.status())}`);
      await stranger.waitForURL(`${ORIGIN}/api/v1/restart`);
      refusals.push('form post');

      // In a frame the page shows nothing.
      await stranger.goto(`http://${host}:${String(ELSEWHERE)}/`);
      await stranger.evaluate((node) => {
        const frame = document.createElement('iframe');
        frame.src = `${node}/`;
        document.body.append(frame);
        return new Promise((resolve) => frame.addEventListener('load', resolve));
      }, ORIGIN);
      const framed = () =>
        stranger
          .frames()
          .find((frame) => frame !== stranger.mainFrame())
          ?.url() ?? '';
      await until(
        `the browser to refuse a frame on ${host}`,
        () => Promise.resolve(framed() !== '' && framed()),
        5_000,
      );
      must(framed().startsWith('chrome-error:'), `the page lets itself be framed by ${host}: ${framed()}`);
      refusals.push('frame');
    }

    // A name of theirs that leads to the node: the browser takes it for their origin, so the node must not.
    for (const to of ['/', '/api/v1/status']) {
      const rebound = await stranger.goto(`http://${REBOUND}:${String(PORT)}${to}`);
      const status = rebound?.status() ?? 0;
      must([400, 403, 421].includes(status), `under a foreign name ${to} answers ${String(status)}`);
    }
    // Before the name led to the node it led to them: from the page that they gave, the browser itself may refuse.
    await stranger.route(`http://${REBOUND}:${String(PORT)}/theirs`, (route) =>
      route.fulfill({ contentType: 'text/html', body: '<!doctype html><title>theirs</title>' }),
    );
    await stranger.goto(`http://${REBOUND}:${String(PORT)}/theirs`);
    const asked = await stranger.evaluate(() =>
      fetch('/api/v1/status').then(
        ({ status }) => status,
        () => null,
      ),
    );
    must(asked === null || [400, 403, 421].includes(asked), `under a foreign name the API answers ${String(asked)}`);
    refusals.push('foreign name');
    await stranger.close();
  } finally {
    server.kill();
  }
  const after = await lab.cara.get<{ pid: number; uptime_seconds: number }>('/status');
  must(after.pid === pid, 'the node was restarted');
  must((await lab.cara.torrents()).length === before.length, 'something was added');
  await context.close();
  return `${String(refusals.length)} attempts of other pages refused, with the cookie in the same browser`;
};

/** A web server of somebody else on cara's machine. */
async function elsewhere() {
  const script = path.join(import.meta.dirname, '..', 'elsewhere.mjs');
  const child = spawn('ip', ['netns', 'exec', lab.cara.netns, process.execPath, script, String(ELSEWHERE)], {
    stdio: ['pipe', 'pipe', 'inherit'],
  });
  await once(child.stdout, 'data');
  return child;
}
