import { accessible } from '../axe';
import { lab } from '../lab';
import type { Scene } from '../scene';
import { mustFit, pictures, THEMES, wear } from '../screens';
import { NARROW, WIDE, open, type Window } from '../browser';
import { must } from '../until';
import { ORIGIN } from '../lab';

/** Every panel of the navigation, by its path: one more is looked at without a word here. */
export async function panelPaths({ page }: Window): Promise<string[]> {
  const links = page.getByRole('navigation').getByRole('link');
  return links.evaluateAll((all) => all.map((link) => new URL((link as HTMLAnchorElement).href).pathname));
}

/** Waits until a panel has loaded what it shows. */
export async function settled({ page }: Window): Promise<void> {
  await page.locator('#title').waitFor();
  await page.waitForFunction(() => !document.querySelector('#content [aria-busy=true], #content [class*=skeleton]'));
  await page.evaluate(() => document.fonts.ready.then(() => null));
}

function nameOf(path: string): string {
  return path === '/' ? 'overview' : path.slice(1).replace(/\/.*/, '-one');
}

/** Every panel, by machine and by eye: axe in both themes, and pictures at both widths. */
export const panels: Scene = async (stage) => {
  const window = stage.ben;
  const { page } = window;
  const nav = await panelPaths(window);
  must(nav.length >= 8, `only ${String(nav.length)} panels: ${nav.join(' ')}`);
  const paths = [...nav, `/files/${stage.video.infoHash}`, `/peers/${lab.ann.key}`];
  let rules = 0;
  for (const path of paths) {
    await window.go(path);
    await settled(window);
    for (const theme of THEMES) {
      await wear(window, theme);
      rules += await accessible(window, `${path} (${theme})`);
    }
    await page.setViewportSize(NARROW);
    await mustFit(window, path);
    rules += await accessible(window, `${path} (narrow)`);
    await page.setViewportSize(WIDE);
    await pictures(window, nameOf(path));
    window.quiet();
  }

  // Tables instead of graphs, and dialogs, have rules of their own.
  await window.go('/');
  await settled(window);
  for (const table of await page.getByRole('radio', { name: 'Table' }).all()) await table.click();
  await accessible(window, 'the overview in tables');
  for (const graph of await page.getByRole('radio', { name: 'Graph' }).all()) await graph.click();
  await window.go('/files');
  await page.getByRole('button', { name: 'Add', exact: true }).click();
  await page.getByRole('dialog').waitFor();
  for (const theme of THEMES) {
    await wear(window, theme);
    await accessible(window, `the dialog to add (${theme})`);
  }
  await pictures(window, 'add');
  await page.keyboard.press('Escape');

  // The theme by the page's own switch, kept over a reload.
  await page.getByRole('button', { name: /^This device/ }).click();
  await page.getByRole('menuitemradio', { name: 'Dark' }).click();
  await page.keyboard.press('Escape');
  await page.reload();
  await settled(window);
  must((await page.evaluate(() => document.documentElement.dataset['theme'])) === 'dark', 'the theme is not kept');
  await page.getByRole('button', { name: /^This device/ }).click();
  await page.getByRole('menuitemradio', { name: 'Deutsch' }).click();
  await page.getByRole('navigation', { name: 'Bereiche' }).waitFor();
  await page.keyboard.press('Escape');
  await page.setViewportSize(NARROW);
  for (const path of nav) {
    await window.go(path);
    await settled(window);
    await mustFit(window, `${path} in German`);
  }
  await page.setViewportSize(WIDE);
  await page.evaluate(() => {
    localStorage.removeItem('weft.theme');
    localStorage.removeItem('weft.language');
  });
  await page.reload();
  await settled(window);

  const stranger = await open('ben');
  await stranger.despite(/401/, async () => {
    await stranger.page.goto(ORIGIN);
    await stranger.page.getByText('weft dashboard', { exact: true }).waitFor();
    for (const theme of THEMES) {
      await wear(stranger, theme);
      rules += await accessible(stranger, `the login (${theme})`);
    }
    await pictures(stranger, 'login');
  });
  stranger.quiet();
  await stranger.context.close();
  return `${String(paths.length + 1)} pages, no serious or critical finding in ${String(rules)} passed rules; all fit ${String(NARROW.width)} px`;
};
