import { lab } from '../lab';
import type { Scene } from '../scene';
import { picture } from '../screens';
import { must, until } from '../until';
import type { Window } from '../browser';

interface Focus {
  name: string;
  tag: string;
  seen: boolean;
}

/** What has the focus, and whether that is seen: an outline, a border or a ground that it has not otherwise. */
async function focus({ page }: Window): Promise<Focus> {
  return page.evaluate(() => {
    const element = document.activeElement as HTMLElement | null;
    if (!element || element === document.body) return { name: '', tag: 'body', seen: true };
    // A radio or a slider hides its input: what stands for it shows the focus.
    const stands = [element, element.closest('label'), element.parentElement, element.closest('[data-focus-visible]')];
    const looks = (one: Element) => {
      const { outlineStyle, outlineWidth, boxShadow, borderColor, backgroundColor } = getComputedStyle(one);
      return {
        outline: outlineStyle !== 'none' && parseFloat(outlineWidth) > 0,
        rest: [boxShadow, borderColor, backgroundColor].join(),
      };
    };
    const known = stands.filter((one): one is HTMLElement => one !== null);
    const now = known.map(looks);
    const seen = now.some(({ outline }) => outline);
    const label = element.getAttribute('aria-label') ?? element.textContent.trim();
    return { name: label.slice(0, 80), tag: element.tagName.toLowerCase(), seen };
  });
}

/** Presses Tab until what is wanted has the focus. Whatever has it on the way must show it. */
async function tabTo(window: Window, what: string, wanted: (focus: Focus) => boolean): Promise<number> {
  const way: string[] = [];
  for (let steps = 1; steps <= 60; steps++) {
    await window.page.keyboard.press('Tab');
    const now = await focus(window);
    way.push(now.name || now.tag);
    must(now.seen, `the focus on “${now.name}” (${now.tag}) cannot be seen`);
    if (wanted(now)) return steps;
  }
  throw new Error(`60 tabs do not lead to ${what}: ${way.join(' → ')}`);
}

/** Cara adds a link, watches it arrive and removes it, without a mouse. */
export const keyboard: Scene = async (stage) => {
  const window = stage.cara;
  const { page } = window;
  const { infoHash, link, names } = stage.folder;
  await page.goto(page.url().replace(/\/[^/]*$/, '/'));
  await page.locator('#title').waitFor();
  let tabs = 0;

  // The first stop leads past the navigation.
  tabs += await tabTo(window, 'the skip link', ({ name }) => name === 'Skip to the content');
  await page.keyboard.press('Enter');
  await until('the content to have the focus', () => page.evaluate(() => document.activeElement?.id === 'content'));
  await page.reload();
  await page.locator('#title').waitFor();
  tabs += await tabTo(window, 'Files', ({ name, tag }) => tag === 'a' && name.startsWith('Files'));
  await page.keyboard.press('Enter');
  await until('the panel’s title to have the focus', () =>
    page.evaluate(() => document.activeElement?.id === 'title' && document.activeElement.textContent === 'Files'),
  );

  tabs += await tabTo(window, 'Add', ({ name, tag }) => tag === 'button' && name === 'Add');
  await page.keyboard.press('Enter');
  await until('the field to have the focus', async () => (await focus(window)).tag === 'textarea');
  await page.evaluate((text) => navigator.clipboard.writeText(text), link);
  await page.keyboard.press('Control+V');
  tabs += await tabTo(window, 'Get this', ({ name }) => name === 'Get this');
  await page.keyboard.press('Enter');
  await page.waitForURL(`**/files/${infoHash}`);
  const whole = await until('it to be complete', async () => {
    const torrent = await lab.cara.torrent(infoHash);
    return torrent.complete && torrent;
  });
  must(whole.files.length === names.length, `${String(whole.files.length)} files came`);

  // The cloth, cell by cell.
  await page.getByRole('application').waitFor();
  tabs += await tabTo(window, 'the matrix', ({ tag, name }) => tag === 'div' && name.length > 0 && /oven/.test(name));
  await page.keyboard.press('End');
  await page.getByText(/^Pieces? .*: given by /).waitFor();
  await picture(window, 'keyboard-matrix-light-1440', false);

  // The dialog holds the focus, Escape leaves it, and it returns to the button.
  tabs += await backTo(window, 'Remove…');
  await page.keyboard.press('Enter');
  await page.getByRole('alertdialog').waitFor();
  await page.keyboard.press('Escape');
  await until('the focus to return', async () => (await focus(window)).name === 'Remove…');
  must(
    (await lab.cara.torrents()).some((torrent) => torrent.info_hash === infoHash),
    'Escape removed it',
  );
  await page.keyboard.press('Enter');
  await page.getByRole('alertdialog').waitFor();
  tabs += await tabTo(window, 'Remove', ({ name }) => name === 'Remove');
  await page.keyboard.press('Enter');
  await until(
    'it to be gone',
    async () => !(await lab.cara.torrents()).some((torrent) => torrent.info_hash === infoHash),
  );
  await page.waitForURL('**/files');
  await until('the focus to be on the title', () => page.evaluate(() => document.activeElement?.id === 'title'));
  return `added, watched and removed with ${String(tabs)} tabs; the focus was seen at each`;
};

async function backTo(window: Window, name: string): Promise<number> {
  for (let steps = 1; steps <= 60; steps++) {
    await window.page.keyboard.press('Shift+Tab');
    const now = await focus(window);
    must(now.seen, `the focus on “${now.name}” (${now.tag}) cannot be seen`);
    if (now.name === name) return steps;
  }
  throw new Error(`60 tabs back do not lead to ${name}`);
}
