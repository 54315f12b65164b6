import { chmod, writeFile } from 'node:fs/promises';
import path from 'node:path';
import { chromium, type Browser, type BrowserContext, type Locator, type Page } from 'playwright-core';
import { FOLDER, lab, order, ORIGIN, type Name } from './lab';
import { NARROW, WIDE } from './sizes';
import { must } from './until';

export { NARROW, WIDE };

/** A name that leads to the node by an address it never had: for who tries DNS rebinding. */
export const REBOUND = 'rebound.example';

const browsers = new Map<Name, Promise<Browser>>();

/** A browser on a peer's machine. It is started once. */
function browserOn(name: Name): Promise<Browser> {
  let browser = browsers.get(name);
  if (browser === undefined) {
    browser = launch(name);
    browsers.set(name, browser);
  }
  return browser;
}

async function launch(name: Name): Promise<Browser> {
  const script = path.join(FOLDER, `chromium-on-${name}.sh`);
  await writeFile(script, `#!/bin/sh\nexec ip netns exec ${lab[name].netns} chromium --no-sandbox "$@"\n`);
  await chmod(script, 0o755);
  return chromium.launch({
    executablePath: script,
    args: [
      `--host-resolver-rules=MAP ${REBOUND} 127.0.0.1`,
      // A machine without a sound card plays videos too.
      '--autoplay-policy=no-user-gesture-required',
      '--mute-audio',
    ],
  });
}

export async function closeAll(): Promise<void> {
  for (const browser of browsers.values()) await (await browser).close();
  browsers.clear();
}

/** A page, and everything in it that went wrong without anybody looking. */
export class Window {
  /** What was wrong and not excused. */
  readonly troubles: string[] = [];
  private excuse: RegExp | null = null;

  constructor(
    readonly name: Name,
    readonly page: Page,
    readonly context: BrowserContext,
  ) {
    page.on('console', (message) => {
      if (message.type() === 'error') this.trouble(`console: ${message.text()} (${message.location().url})`);
    });
    page.on('pageerror', (error) => this.trouble(`error: ${error.message}`));
    page.on('crash', () => this.trouble('the page crashed'));
    page.on('dialog', (dialog) => {
      this.trouble(`a dialog opened: ${dialog.message()}`);
      void dialog.dismiss();
    });
    page.on('request', (request) => {
      const { protocol, origin } = new URL(request.url());
      if (protocol !== 'data:' && protocol !== 'blob:' && origin !== ORIGIN)
        this.trouble(`asks somebody else: ${request.url()}`);
    });
  }

  private trouble(text: string) {
    if (this.excuse?.test(text) !== true) this.troubles.push(text.slice(0, 1000));
  }

  /** Runs something during which `excuse` is what has to go wrong: a node that is silent cannot be asked. */
  async despite<T>(excuse: RegExp, run: () => Promise<T>): Promise<T> {
    this.excuse = excuse;
    try {
      return await run();
    } finally {
      this.excuse = null;
    }
  }

  /** Fails if anything went wrong since the last time. */
  quiet(): void {
    const troubles = this.troubles.splice(0);
    must(troubles.length === 0, `${this.name}'s page: ${troubles.slice(0, 5).join('\n')}`);
  }

  /** Goes to a panel by the navigation. */
  async panel(name: string): Promise<void> {
    // A badge may stand behind the name.
    await this.page
      .getByRole('navigation')
      .getByRole('link', { name: new RegExp(`^${name}\\b`) })
      .click();
    await this.page.getByRole('heading', { level: 1, ...(name === 'Overview' ? {} : { name }) }).waitFor();
  }

  /** Goes to a panel by its path without loading the page anew where it is open already. */
  async go(to: string): Promise<void> {
    await this.page.evaluate((path) => {
      history.pushState(null, '', path);
    }, to);
    await this.page.waitForFunction((path) => location.pathname === path, to);
  }
}

/** The table of that title, with the box it scrolls in. */
export function tableOf(page: Page, title: string): Locator {
  return page.locator(`[aria-label^="${title}"]:has(> table)`);
}

/** A fresh window on a peer's machine, at nothing yet. */
export async function open(name: Name): Promise<Window> {
  const browser = await browserOn(name);
  const context = await browser.newContext({ viewport: WIDE, colorScheme: 'light', locale: 'en' });
  await context.grantPermissions(['clipboard-read', 'clipboard-write'], { origin: ORIGIN });
  // What compiles these scenes names functions by a call that the page does not know.
  await context.addInitScript('globalThis.__name ??= (named) => named;');
  const page = await context.newPage();
  page.setDefaultTimeout(20_000);
  return new Window(name, page, context);
}

/** A window of somebody who opened the address that `weft dashboard` prints. */
export async function signedIn(name: Name): Promise<Window> {
  const window = await open(name);
  const { url } = await order<{ url: string }>('login', name);
  await window.page.goto(url);
  await window.page.locator('#content').waitFor();
  const bar = window.page.url();
  must(!bar.includes('login='), `the code is still in the address bar: ${bar}`);
  return window;
}
