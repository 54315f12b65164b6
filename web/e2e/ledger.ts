/*
 * Two nodes that are on no chain: one makes a chain with both as validators, the other joins by ticket, coins go from one
 * to the other, and each page checks what it shows by itself. All of it by the page.
 *
 *   WEFT_PEERS='{"ledger":{"ann":{"login":"http://…/#login=…"},"ben":{"login":"…"}}}' WEFT_SCREENS=… \
 *     node --import tsx e2e/ledger.ts
 *
 * The first run of both is over. It says what it measured, line by line, and ends with 0 if everything was as it should be.
 */
import { chromium, type Browser, type Locator, type Page } from 'playwright-core';
import { accessible } from './axe';
import { mustFit, pictures, THEMES, wear, type Seen } from './screens';
import { NARROW, WIDE } from './sizes';
import { must, until } from './until';

interface Told {
  ledger: Record<'ann' | 'ben', { login: string }>;
}

const told = (JSON.parse(process.env['WEFT_PEERS'] ?? '{}') as Partial<Told>).ledger;
if (!told) throw new Error('WEFT_PEERS tells of no ledger: the scene is run by the end-to-end test, `make test`');

const AMOUNT = '1.5';
const say = (line: string) => process.stdout.write(`${line}\n`);

interface Side extends Seen {
  troubles: string[];
}

async function signedIn(browser: Browser, name: 'ann' | 'ben', login: string): Promise<Side> {
  const context = await browser.newContext({ viewport: WIDE, colorScheme: 'light', locale: 'en' });
  await context.grantPermissions(['clipboard-read', 'clipboard-write'], { origin: new URL(login).origin });
  // What compiles this scene names functions by a call that the page does not know.
  await context.addInitScript('globalThis.__name ??= (named) => named;');
  const page = await context.newPage();
  page.setDefaultTimeout(30_000);
  const side: Side = { name, page, troubles: [] };
  page.on('pageerror', (error) => side.troubles.push(error.message));
  page.on('crash', () => side.troubles.push('the page crashed'));
  page.on('console', (message) => {
    // A hash is looked for among transactions, then among blocks: it is no fault where there is none.
    const looked = message.text().includes('404') && message.location().url.includes('/ledger/transactions/');
    if (message.type() === 'error' && !looked) side.troubles.push(`${message.text()} (${message.location().url})`);
  });
  await page.goto(login);
  await page.locator('#content').waitFor();
  await panel(page);
  return side;
}

/** To the ledger's first page, as a person goes there. */
async function panel(page: Page) {
  await page
    .getByRole('navigation')
    .getByRole('link', { name: /^Ledger\b/ })
    .click();
  await page.getByRole('heading', { level: 1, name: 'Ledger' }).waitFor();
}

/** Copies what a button copies. */
async function copied(page: Page, what: RegExp): Promise<string> {
  await page.getByRole('button', { name: what }).first().click();
  return page.evaluate(() => navigator.clipboard.readText());
}

function card(page: Page, title: string | RegExp): Locator {
  return page.locator('section').filter({ has: page.getByRole('heading', { name: title }) });
}

/** The height that the page says. */
async function height(page: Page): Promise<number> {
  const words = await card(page, 'How the chain is').locator('p').first().innerText();
  return Number((/^Block ([\d,]+)/.exec(words)?.[1] ?? '0').replaceAll(',', ''));
}

/** Looks for what keeps people out, in both themes. */
async function look(side: Side, what: string): Promise<number> {
  let rules = 0;
  for (const theme of THEMES) {
    await wear(side, theme);
    rules += await accessible(side, `${what} (${theme})`);
  }
  await wear(side, 'light');
  // Pictures begin at the top.
  await side.page.evaluate(() => scrollTo(0, 0));
  return rules;
}

/** A chain with both as validators, made by ann's page and joined by ben's. */
async function begin(ann: Side, ben: Side): Promise<string> {
  for (const side of [ann, ben]) await side.page.getByRole('heading', { name: 'This node is on no chain' }).waitFor();
  let rules = await look(ann, 'ledger without a chain');
  const candidate = await copied(ben.page, /^Copy candidate line/);
  must(candidate.startsWith('weft:validator/'), `this is no candidate line: ${candidate.slice(0, 60)}`);
  await ann.page.getByText('More choices').click();
  await ann.page.getByRole('textbox', { name: 'Other first validators' }).fill('nonsense');
  await ann.page.getByText('Line 1 is no candidate line.', { exact: false }).waitFor();
  await ann.page.getByRole('textbox', { name: 'Other first validators' }).fill(candidate);
  rules += await look(ann, 'form of a chain');
  await pictures(ann, 'ledger-none');
  await ann.page.getByRole('button', { name: 'Make the chain' }).click();
  await ann.page.getByRole('heading', { name: 'This chain' }).waitFor();
  const ticket = await copied(ann.page, /^Copy Ticket for others/);
  must(ticket.startsWith('weft:ledger/'), `this is no ticket: ${ticket.slice(0, 60)}`);
  await ben.page.getByRole('textbox', { name: 'Ticket' }).fill(ticket);
  const began = performance.now();
  await ben.page.getByRole('button', { name: 'Join' }).click();
  for (const { name, page } of [ann, ben])
    await until(`blocks on ${name}'s page`, async () => (await height(page)) >= 3);
  return `a chain of two validators: 3 blocks on both pages ${((performance.now() - began) / 1000).toFixed(1)} s after joining; ${String(rules)} rules passed`;
}

/** Both pages check the newest block by themselves, and new blocks come without moving the page. */
async function watch(ann: Side, ben: Side): Promise<string> {
  let words = '';
  for (const { page } of [ann, ben]) {
    const check = card(page, 'How the chain is').getByRole('link', { name: /checked in this browser/ });
    await check.waitFor();
    words = await check.innerText();
    const found = /: (\d+) of 2 signatures, (\d+) % of the power/.exec(words);
    must(found && Number(found[2]) > 66, `not enough is signed: ${words}`);
  }
  const { page } = ann;
  const ring = page.getByRole('img', { name: /^2 validators; / });
  await ring.waitFor();
  const [before, place] = [await height(page), await ring.boundingBox()];
  await until('two more blocks', async () => (await height(page)) >= before + 2);
  const after = await ring.boundingBox();
  must(place?.y === after?.y && place?.x === after?.x, 'the page moved when blocks came');
  return words;
}

/** Coins from ann to ben; both follow them until they are final. */
async function pay(ann: Side, ben: Side): Promise<{ hash: string; line: string }> {
  const account = await copied(ben.page, /^Copy your account/);
  const send = card(ann.page, 'Send');
  await send.getByRole('textbox', { name: 'To', exact: true }).fill(account);
  await send.getByRole('textbox', { name: 'Amount in coins' }).fill(AMOUNT);
  await send.getByRole('button', { name: 'Send' }).click();
  const dialog = ann.page.getByRole('alertdialog');
  await dialog.getByText(`${AMOUNT} coins go from your account to`).waitFor();
  must((await dialog.innerText()).includes(account), 'the dialog does not say to whom');
  const began = performance.now();
  await dialog.getByRole('button', { name: 'Send' }).click();
  await send.getByText('it stays for good').waitFor();
  const seconds = (performance.now() - began) / 1000;
  const hash = (await send.getByRole('link').filter({ hasText: '0x' }).first().getAttribute('href'))?.split('/').at(-1);
  must(/^0x[0-9a-f]{64}$/.test(hash ?? ''), `no hash: ${String(hash)}`);

  // Ben finds it by its hash.
  await ben.page.getByRole('textbox', { name: 'Height, hash or account' }).fill(hash ?? '');
  await ben.page.keyboard.press('Enter');
  await ben.page.getByRole('heading', { name: 'A transaction’s way' }).waitFor();
  await card(ben.page, 'A transaction’s way').getByText('it stays for good').waitFor();
  await ben.page.getByText('It holds:', { exact: false }).waitFor();
  return { hash: hash ?? '', line: `${AMOUNT} coins final on the sender's page ${seconds.toFixed(2)} s after "Send"` };
}

/** Every page of the panel: who cannot see it reads it, and it fits a phone. */
async function read(ann: Side, ben: Side, hash: string): Promise<string> {
  let rules = await look(ben, 'transaction');
  await pictures(ben, 'ledger-transaction');
  await card(ben.page, 'Transaction').getByRole('link').last().click();
  await ben.page.getByRole('heading', { name: 'Account', level: 2 }).waitFor();
  await ben.page.getByText(`${AMOUNT} coins`, { exact: true }).first().waitFor();
  rules += await look(ben, 'account');
  await pictures(ben, 'ledger-account');

  await panel(ann.page);
  rules += await look(ann, 'ledger');
  await pictures(ann, 'ledger');
  await card(ann.page, 'Validators').getByRole('radio', { name: 'Table' }).click();
  const table = card(ann.page, 'Validators').getByRole('table');
  must((await table.getByRole('row').count()) === 3, 'the table twin has not two validators');
  rules += await look(ann, 'ledger with the validators as a table');

  // To the transaction's block by the keyboard: the blocks are held while one is chosen.
  const cell = ann.page.getByRole('list', { name: /^The last blocks/ }).getByRole('link', { name: /: 1 transaction,/ });
  await cell.first().focus();
  await ann.page.keyboard.press('Enter');
  await ann.page.getByRole('heading', { name: 'Checked in this browser' }).waitFor();
  await ann.page.getByText('It holds: 2 of 2 signatures', { exact: false }).waitFor();
  await ann.page.getByRole('link', { name: new RegExp(hash.slice(0, 6)) }).waitFor();
  rules += await look(ann, 'block');
  await pictures(ann, 'ledger-block');

  await ben.page.evaluate(() => localStorage.setItem('weft.language', 'de'));
  await ben.page.reload();
  await ben.page.setViewportSize(NARROW);
  await ben.page.getByRole('link', { name: '← Die Kette' }).click();
  await ben.page.getByRole('heading', { name: 'Wie es um die Kette steht' }).waitFor();
  await mustFit(ben, 'ledger in German');
  return `5 pages in both themes, ${String(rules)} rules passed; all fit ${String(NARROW.width)} px`;
}

async function main(nodes: Told['ledger']) {
  const browser = await chromium.launch({ executablePath: '/usr/bin/chromium', args: ['--no-sandbox'] });
  try {
    const ann = await signedIn(browser, 'ann', nodes.ann.login);
    const ben = await signedIn(browser, 'ben', nodes.ben.login);
    say(await begin(ann, ben));
    say(await watch(ann, ben));
    const { hash, line } = await pay(ann, ben);
    say(line);
    say(await read(ann, ben, hash));
    const troubles = [ann, ben].flatMap((side) => side.troubles.map((trouble) => `${side.name}'s page: ${trouble}`));
    must(troubles.length === 0, troubles.slice(0, 5).join('\n'));
  } finally {
    await browser.close();
  }
}

let code = 0;
try {
  await main(told);
} catch (error) {
  say(error instanceof Error ? (error.stack ?? error.message) : String(error));
  code = 1;
}
process.exit(code);
