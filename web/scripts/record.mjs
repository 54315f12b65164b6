#!/usr/bin/env node
/*
 * Records a running node for component tests and for `replay.mjs`: the event feed for a while, and the answers the panels
 * ask for at its end.
 *
 *   WEFT_TOKEN=… node scripts/record.mjs http://127.0.0.1:9338 recordings/lab.json [--seconds 70] [--scrub FROM=TO]… [--only SOURCE]…
 *
 * `--scrub` replaces the beginning of paths, so that a recording says nothing of the machine it was made on; `--only` keeps
 * the records of some sources alone.
 */
import { writeFile } from 'node:fs/promises';
import { parseArgs } from 'node:util';
import { createParser } from 'eventsource-parser';

const { values, positionals } = parseArgs({
  allowPositionals: true,
  options: {
    seconds: { type: 'string', default: '70' },
    scrub: { type: 'string', multiple: true, default: [] },
    only: { type: 'string', multiple: true, default: [] },
  },
});
const [api, file] = positionals;
const token = process.env['WEFT_TOKEN'];
if (!api || !file || !token) {
  console.error('usage: WEFT_TOKEN=… record.mjs API FILE [--seconds N] [--scrub FROM=TO]… [--only SOURCE]…');
  process.exit(2);
}
const headers = { Authorization: `Bearer ${token}` };

/** What each panel asks for at its start. `{info_hash}`, `{block}` and the like stand for each one there is. */
const QUESTIONS = [
  '/api/v1/status',
  '/api/v1/health',
  '/api/v1/services',
  '/api/v1/config',
  '/api/v1/setup',
  '/api/v1/events/history',
  '/api/v1/network/status',
  '/api/v1/network/relays',
  '/api/v1/network/dht',
  '/api/v1/network/peers',
  '/api/v1/people/me',
  '/api/v1/people/contacts',
  '/api/v1/files/torrents',
  '/api/v1/files/limits',
  '/api/v1/files/creations',
  '/api/v1/files/torrents/{info_hash}',
  '/api/v1/files/torrents/{info_hash}/magnet',
  '/api/v1/files/torrents/{info_hash}/map',
  '/api/v1/ledger/status',
  '/api/v1/ledger/candidate',
  '/api/v1/ledger/ticket',
  '/api/v1/ledger/validators',
  '/api/v1/ledger/peers',
  '/api/v1/ledger/evidence',
  '/api/v1/ledger/blocks',
  '/api/v1/ledger/transactions',
  '/api/v1/ledger/blocks/{block}',
  '/api/v1/ledger/transactions/{transaction}',
  '/api/v1/ledger/accounts/{account}',
];

/** Follows the feed for `seconds`. */
async function feed(seconds) {
  const stop = new AbortController();
  const response = await fetch(`${api}/api/v1/events`, { headers, signal: stop.signal });
  if (!response.ok) throw new Error(`the event feed: ${response.status} ${await response.text()}`);
  let snapshot = null;
  const records = [];
  const parser = createParser({
    onEvent: ({ event, data }) => {
      const value = JSON.parse(data);
      if (event === 'snapshot') snapshot ??= value;
      else if (event === 'event') records.push(value);
      else throw new Error(`the feed said ${event}: the recording would have a hole`);
    },
  });
  const text = new TextDecoder();
  const timer = setTimeout(() => stop.abort(), seconds * 1000);
  try {
    for await (const chunk of response.body) parser.feed(text.decode(chunk, { stream: true }));
  } catch (error) {
    if (!stop.signal.aborted) throw error;
  } finally {
    clearTimeout(timer);
  }
  return { snapshot, records };
}

async function ask(path) {
  const response = await fetch(api + path, { headers });
  if (!response.headers.get('content-type')?.includes('json')) return null;
  return { status: response.status, body: await response.json() };
}

const recording = { recorded_at_ms: Date.now(), ...(await feed(Number(values.seconds))), answers: {} };
const torrents = (await ask('/api/v1/files/torrents')).body;
const blocks = (await ask('/api/v1/ledger/blocks?limit=30'))?.body;
const whole = [];
for (const { height } of Array.isArray(blocks) ? blocks : [])
  whole.push((await ask(`/api/v1/ledger/blocks/${height}`)).body);
const transactions = whole.flatMap(({ list }) => list);
const accounts = transactions.flatMap(({ from, to, contract }) => [from, to, contract].filter(Boolean));
const EACH = {
  '{info_hash}': torrents.map((torrent) => torrent.info_hash),
  '{block}': whole.map(({ height }) => height),
  '{transaction}': transactions.map(({ hash }) => hash),
  '{account}': [...new Set(accounts)],
};
for (const question of QUESTIONS) {
  const [word] = /\{\w+\}/.exec(question) ?? [];
  const each = word ? EACH[word].map((one) => question.replace(word, one)) : [question];
  for (const path of each) {
    const answer = await ask(path);
    // A node that does not have it yet: nothing to record.
    if (answer && answer.status < 400) recording.answers[`GET ${path}`] = answer;
    else console.error(`not recorded: ${path} (${answer ? answer.status : 'no JSON'})`);
  }
}
const history = recording.answers['GET /api/v1/events/history'];
if (history) {
  const { oldest_at_ms, now_ms } = history.body;
  const path = `/api/v1/events/replay?at_ms=${Math.round((oldest_at_ms + now_ms) / 2)}`;
  const answer = await ask(path);
  if (answer) recording.answers[`GET ${path}`] = answer;
}

if (values.only.length > 0) recording.records = recording.records.filter(({ source }) => values.only.includes(source));
let text = JSON.stringify(recording);
for (const rule of values.scrub) {
  const [from, to] = rule.split('=');
  text = text.replaceAll(from, to);
}
await writeFile(file, text.replace(/},\{"seq"/g, '},\n{"seq"') + '\n');
console.log(
  `${file}: ${recording.records.length} records, ${Object.keys(recording.answers).length} answers, ${Math.round(text.length / 1000)} kB`,
);
