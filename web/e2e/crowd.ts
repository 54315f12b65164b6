// The page before a crowd: 200 torrents, 300 peers, 500 events a second behind the real API. Run by tests/e2e/dashboard.rs,
// for seconds in `make test` and for minutes in `make soak`. Prints what the page did; fails where it falls behind.
import path from 'node:path';
import { chromium, type CDPSession, type Page } from 'playwright-core';
import { must, until } from './until';

interface Told {
  api: string;
  login: string;
  token: string;
  torrents: number;
  peers: number;
  events: number;
}

const { crowd } = JSON.parse(process.env['WEFT_PEERS'] ?? '{}') as { crowd: Told };
const long = process.env['WEFT_LONG'] === '1';
const screens = process.env['WEFT_SCREENS'] ?? '.';

/** Watched in all, over the panels in turn. */
const WATCHED_MS = long ? 300_000 : 20_000;
/** A panel at a time. */
const EACH_MS = long ? 10_000 : 2_500;
const PANELS = ['/', '/files', '/peers', '/network', '/services', '/activity', '/feed', '/files'];
/** The first load, as the goal has it. */
const LOAD_GOAL = 300_000;
/** What the page's heap may hold after the garbage is collected: some hundred bytes a record, and the panels. */
const HEAP_BOUND = 160e6;
/** And it may not grow for ever: from a quarter of the way to the end. */
const HEAP_GROWTH = 40e6;
/** A page that is this many records behind the node does not keep up: two seconds' worth. */
const BEHIND = 2 * crowd.events;

interface Watch {
  frames: number;
  dropped: number;
  worst_ms: number;
  tasks: number[];
}

/** Counts frames and long tasks from inside the page. */
function watch() {
  const seen: Watch = { frames: 0, dropped: 0, worst_ms: 0, tasks: [] };
  Object.assign(globalThis, { seen });
  new PerformanceObserver((list) => {
    for (const task of list.getEntries()) seen.tasks.push(Math.round(task.duration));
  }).observe({ type: 'longtask' });
  let last = performance.now();
  const frame = (now: number) => {
    const gap = now - last;
    last = now;
    seen.frames += 1;
    seen.worst_ms = Math.max(seen.worst_ms, gap);
    // A frame at 60 Hz is 16.7 ms: a gap of two and more of them has lost the ones between.
    seen.dropped += Math.max(0, Math.round(gap / 16.7) - 1);
    requestAnimationFrame(frame);
  };
  requestAnimationFrame(frame);
}

async function heap(devtools: CDPSession): Promise<number> {
  await devtools.send('HeapProfiler.collectGarbage');
  const { metrics } = await devtools.send('Performance.getMetrics');
  return metrics.find(({ name }) => name === 'JSHeapUsedSize')?.value ?? Number.NaN;
}

async function head(): Promise<number> {
  const answer = await fetch(`${crowd.api}/api/v1/events/history`, {
    headers: { Authorization: `Bearer ${crowd.token}` },
  });
  return ((await answer.json()) as { head: number }).head;
}

/** Goes to a panel as a person does: the page is not loaded anew. */
async function go(page: Page, to: string) {
  await page.evaluate((path) => history.pushState(null, '', path), to);
}

/** What the panel of the feed's health says under a label. */
async function told(page: Page, label: string): Promise<number> {
  const figure = page
    .locator('#content span', { hasText: label })
    .last()
    .locator('xpath=preceding-sibling::span')
    .first();
  return Number((await figure.innerText()).replace(/[^\d.]/g, ''));
}

async function main() {
  const browser = await chromium.launch({ executablePath: '/usr/bin/chromium', args: ['--no-sandbox'] });
  const page = await browser.newPage({ viewport: { width: 1440, height: 1040 }, colorScheme: 'dark', locale: 'en' });
  const troubles: string[] = [];
  page.on('pageerror', (error) => troubles.push(error.message));
  page.on('crash', () => troubles.push('the page crashed'));
  page.on('console', (message) => {
    // The crowd has no map, contacts and limits of its own: panels ask, and are told that there is nothing.
    if (message.type() === 'error' && !message.text().includes('404')) troubles.push(message.text());
  });
  await page.addInitScript('globalThis.__name ??= (named) => named;');
  await page.addInitScript(watch);
  const devtools = await page.context().newCDPSession(page);
  await devtools.send('Network.enable');
  await devtools.send('Performance.enable');
  const files = new Map<string, string>();
  let loaded = 0;
  devtools.on('Network.responseReceived', ({ requestId, response }) => files.set(requestId, response.url));
  devtools.on('Network.loadingFinished', ({ requestId, encodedDataLength }) => {
    const url = files.get(requestId) ?? '';
    if (!url.includes('/api/')) loaded += encodedDataLength;
  });

  await page.goto(crowd.login);
  await page.locator('#content').waitFor();
  await page.locator('#content h2').first().waitFor();
  const first = loaded;
  await go(page, '/files');
  await page.getByText('crowd 000.bin').first().waitFor();

  const began = performance.now();
  let early = Number.NaN;
  for (let turn = 0; performance.now() - began < WATCHED_MS; turn += 1) {
    await go(page, PANELS[turn % PANELS.length] ?? '/');
    const over = performance.now() + EACH_MS;
    if (Number.isNaN(early) && performance.now() - began > WATCHED_MS / 4) early = await heap(devtools);
    // Time is what is measured here: the panel is watched for a while.
    await new Promise((resolve) => setTimeout(resolve, Math.max(0, over - performance.now())));
    if (turn < 2)
      await page.screenshot({ path: path.join(screens, `crowd-${turn === 0 ? 'overview' : 'files'}-dark-1440.png`) });
  }
  const seconds = (performance.now() - began) / 1000;
  const seen = await page.evaluate(() => (globalThis as unknown as { seen: Watch }).seen);
  const late = await heap(devtools);

  await go(page, '/feed');
  const behind = await until('the page to be where the node is', async () => {
    const [there, here] = [await head(), await told(page, 'last record')];
    return here > 0 && there - here < BEHIND && { records: Math.max(0, there - here) };
  });
  const rate = await told(page, 'records a second');
  await browser.close();

  const tasks = seen.tasks.sort((a, b) => a - b);
  const at = (share: number) => tasks[Math.min(tasks.length - 1, Math.floor(tasks.length * share))] ?? 0;
  const lines = [
    `first load ${(first / 1000).toFixed(0)} kB over the wire (goal ${String(LOAD_GOAL / 1000)} kB)`,
    `${seconds.toFixed(0)} s with ${String(crowd.torrents)} torrents, ${String(crowd.peers)} peers, ${rate.toFixed(0)} records a second: ` +
      `${String(seen.frames)} frames (${(seen.frames / seconds).toFixed(0)} a second), ${String(seen.dropped)} dropped, longest gap ${seen.worst_ms.toFixed(0)} ms`,
    `${String(tasks.length)} long tasks (over 50 ms), median ${String(at(0.5))} ms, longest ${String(at(1))} ms, ` +
      `${((tasks.reduce((sum, task) => sum + task, 0) / (seconds * 1000)) * 100).toFixed(1)} % of the time`,
    `heap ${(early / 1e6).toFixed(1)} MB early, ${(late / 1e6).toFixed(1)} MB at the end; ${String(behind.records)} records behind the node`,
  ];
  for (const line of lines) process.stdout.write(`${line}\n`);
  must(troubles.length === 0, `the page said: ${troubles.slice(0, 3).join('; ')}`);
  must(rate > crowd.events * 0.8, `only ${String(rate)} records a second came`);
  must(late < HEAP_BOUND, `the heap holds ${String(late)} bytes`);
  must(late - early < HEAP_GROWTH, `the heap grew from ${String(early)} to ${String(late)} bytes`);
}

let code = 0;
try {
  await main();
} catch (error) {
  process.stdout.write(`${error instanceof Error ? (error.stack ?? error.message) : String(error)}\n`);
  code = 1;
}
process.exit(code);
