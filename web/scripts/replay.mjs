#!/usr/bin/env node
/*
 * Serves the built page with a recording as if it were the node: for looking at panels, and for work on components.
 *
 *   node scripts/replay.mjs [--recording recordings/lab.json] [--dist dist] [--port 0] [--speed 1] [--first-run]
 *
 * A session is always there. The feed plays in the recorded time and begins anew at its end; `--speed 0` gives the state
 * at the recording's end and stays there. What changes something is answered with success and changes nothing.
 */
import { randomBytes } from 'node:crypto';
import { readFile } from 'node:fs/promises';
import { createServer } from 'node:http';
import { extname, join, normalize, resolve } from 'node:path';
import { fileURLToPath } from 'node:url';
import { parseArgs } from 'node:util';

const web = fileURLToPath(new URL('..', import.meta.url));
const { values } = parseArgs({
  options: {
    recording: { type: 'string', default: join(web, 'recordings/lab.json') },
    dist: { type: 'string', default: join(web, 'dist') },
    port: { type: 'string', default: '0' },
    speed: { type: 'string', default: '1' },
    'first-run': { type: 'boolean', default: false },
  },
});
const recording = JSON.parse(await readFile(values.recording, 'utf8'));
const speed = Number(values.speed);
const dist = resolve(values.dist);

const { peer, device_name } = recording.answers['GET /api/v1/status'].body;
const PHRASE = Array.from({ length: 24 }, (_, i) => ['thread', 'river', 'copper', 'meadow', 'lamp', 'orbit'][i % 6]);

const TYPES = {
  '.html': 'text/html; charset=utf-8',
  '.js': 'text/javascript; charset=utf-8',
  '.css': 'text/css; charset=utf-8',
  '.svg': 'image/svg+xml',
  '.woff2': 'font/woff2',
  '.json': 'application/json',
  '.webmanifest': 'application/manifest+json',
};

/** The policy the node sends. */
function policy(nonce) {
  return [
    "default-src 'none'",
    "script-src 'self'",
    `style-src 'self' 'nonce-${nonce}'`,
    "img-src 'self' data: blob:",
    "media-src 'self' blob:",
    "connect-src 'self'",
    "font-src 'self'",
    "manifest-src 'self'",
    "base-uri 'none'",
    "form-action 'none'",
    "frame-ancestors 'none'",
  ].join('; ');
}

function json(response, status, body) {
  response.writeHead(status, { 'content-type': 'application/json' });
  response.end(body === undefined ? undefined : JSON.stringify(body));
}

/** The feed in its recorded time, shifted to now; at its end it begins anew, as after a resync. */
function feed(request, response) {
  response.writeHead(200, { 'content-type': 'text/event-stream', 'cache-control': 'no-store' });
  const { snapshot, records } = recording;
  const end = records.at(-1).at_ms;
  const begun = Date.now();
  const say = (event, data) => response.write(`event: ${event}\ndata: ${JSON.stringify(data)}\n\n`);
  const shift = speed === 0 ? Date.now() - end : begun - (snapshot.at_ms ?? records[0].at_ms);
  say('snapshot', { ...snapshot, at_ms: (snapshot.at_ms ?? records[0].at_ms) + shift });
  if (speed === 0) {
    for (const record of records) say('event', { ...record, at_ms: record.at_ms + shift });
    return;
  }
  let place = 0;
  const tick = setInterval(() => {
    const now = (Date.now() - begun) * speed + (snapshot.at_ms ?? records[0].at_ms);
    while (place < records.length && records[place].at_ms <= now) {
      const record = records[place++];
      say('event', { ...record, at_ms: record.at_ms + shift });
    }
    if (place === records.length && now > end + 3_000) response.end();
  }, 20);
  request.on('close', () => clearInterval(tick));
}

/** A moment of the recording, shifted as the feed is. */
function replay(url, response) {
  const { snapshot, records } = recording;
  const at_ms = Number(url.searchParams.get('at_ms'));
  const shift = Date.now() - records.at(-1).at_ms;
  const moved = records.map((record) => ({ ...record, at_ms: record.at_ms + shift }));
  const first = { ...snapshot, at_ms: (snapshot.at_ms ?? records[0].at_ms) + shift };
  json(response, 200, { at_ms, snapshot: first, records: moved.filter((record) => record.at_ms <= at_ms) });
}

function history(response) {
  const { snapshot, records } = recording;
  const now_ms = Date.now();
  const oldest_at_ms = now_ms - (records.at(-1).at_ms - (snapshot.at_ms ?? records[0].at_ms));
  const snapshots = [{ seq: snapshot.seq, at_ms: oldest_at_ms }];
  json(response, 200, { now_ms, head: records.at(-1).seq, oldest: snapshot.seq + 1, oldest_at_ms, snapshots });
}

async function body(request) {
  let text = '';
  for await (const chunk of request) text += chunk;
  return text === '' ? {} : JSON.parse(text);
}

/** Answers that no recording has: secrets, and what changes something. */
const MADE = {
  'GET /api/v1/session': () => ({ peer, device_name, expires_at_ms: Date.now() + 8.64e7 }),
  'POST /api/v1/session': () => ({ peer, device_name, expires_at_ms: Date.now() + 8.64e7, csrf: 'recorded' }),
  'GET /api/v1/setup': () => ({
    done: !values['first-run'],
    identity: { user: recording.answers['GET /api/v1/people/me'].body.user_key, peer, device_name, encrypted: false },
    files_dir: '/home/you/files',
    download_rate: null,
    upload_rate: null,
    can_restore: values['first-run'],
  }),
  'POST /api/v1/identity/phrase': () => ({ words: PHRASE }),
  'GET /api/v1/token': () => ({ token: 'recorded', path: '/home/you/.local/share/weft/api-token' }),
  'POST /api/v1/session/grants': (asked) => ({ url: asked.path }),
  'POST /api/v1/people/invitations': (asked) => ({
    link: 'weft:aeaqcaibaeaqcaibaeaqcaibaeaqcaibaeaqcaibaeaqcaibaeaqcaibaeaqcaibaeaqcaibaeaqcaibaeaqcaibaeaq',
    qr: 'WEFT:AEAQCAIBAEAQCAIBAEAQCAIBAEAQCAIBAEAQCAIBAEAQCAIBAEAQCAIBAEAQCAIBAEAQCAIBAEAQCAIBAEAQCAIBAEAQ',
    user_key: recording.answers['GET /api/v1/people/me'].body.user_key,
    devices: [],
    reach: { device_key: peer, udp: [], tcp: [], relays: [] },
    network: 'lab',
    expires: asked.valid_seconds == null ? null : Math.floor(Date.now() / 1000) + asked.valid_seconds,
  }),
};

async function api(request, url, response) {
  const question = `${request.method} ${url.pathname}`;
  if (url.pathname === '/api/v1/events') return feed(request, response);
  if (url.pathname === '/api/v1/events/replay') return replay(url, response);
  if (url.pathname === '/api/v1/events/history') return history(response);
  const made = MADE[question];
  if (made) return json(response, 200, made(await body(request)));
  const recorded = recording.answers[question];
  if (recorded) return json(response, recorded.status, recorded.body);
  if (request.method === 'PUT' && url.pathname.startsWith('/api/v1/config/')) {
    const key = url.pathname.slice('/api/v1/config/'.length);
    const setting = recording.answers['GET /api/v1/config'].body.settings.find((setting) => setting.key === key);
    return json(response, 200, { ...setting, value: (await body(request)).value });
  }
  if (request.method !== 'GET') return json(response, 204);
  json(response, 404, { status: 404, code: 'not-found', error: `${question} was not recorded`, mend: '' });
}

async function file(url, response) {
  const path = normalize(join(dist, decodeURIComponent(url.pathname)));
  const asked = path.startsWith(dist) && extname(path) !== '' ? path : join(dist, 'index.html');
  try {
    const nonce = randomBytes(16).toString('base64url');
    let content = await readFile(asked);
    if (asked.endsWith('index.html')) content = content.toString().replaceAll('__CSP_NONCE__', nonce);
    response.writeHead(200, {
      'content-type': TYPES[extname(asked)] ?? 'application/octet-stream',
      'content-security-policy': policy(nonce),
      'x-content-type-options': 'nosniff',
      'cache-control': 'no-store',
    });
    response.end(content);
  } catch {
    response.writeHead(404).end();
  }
}

const server = createServer((request, response) => {
  const url = new URL(request.url ?? '/', 'http://localhost');
  const done = url.pathname.startsWith('/api/') ? api(request, url, response) : file(url, response);
  Promise.resolve(done).catch((error) => {
    console.error(error);
    response.destroy();
  });
});
server.listen(Number(values.port), '127.0.0.1', () => {
  console.log(`http://127.0.0.1:${server.address().port}`);
});
