import path from 'node:path';
import { accessible } from '../axe';
import { open } from '../browser';
import { FOLDER, lab, order } from '../lab';
import type { Scene } from '../scene';
import { pictures } from '../screens';
import { must, until } from '../until';

interface Setup {
  done: boolean;
  identity: { user: string; device_name: string };
}

interface Configuration {
  settings: { key: string; value: unknown; origin: string }[];
}

/** A newcomer opens the printed address and has something useful on the screen within a minute. */
export const firstRun: Scene = async (stage) => {
  const { cara } = lab;
  const window = await open('cara');
  const { page } = window;
  stage.cara = window;
  const before = await cara.get<Setup>('/setup');
  must(!before.done, 'cara is no newcomer');
  const { url } = await order<{ url: string }>('login', 'cara');

  const began = performance.now();
  let looking = 0;
  const look = async (step: string) => {
    const from = performance.now();
    await accessible(window, step);
    await pictures(window, step);
    looking += performance.now() - from;
  };
  await page.goto(url);
  await page.getByRole('heading', { name: 'Who you are' }).waitFor();
  must(new URL(page.url()).pathname === '/welcome', `the first run is not at its place: ${page.url()}`);
  await page.getByText(before.identity.device_name, { exact: true }).waitFor();
  await look('first-run-who');
  await page.getByRole('button', { name: 'Next' }).click();

  await page.getByRole('button', { name: 'Show my words' }).click();
  const list = page.getByRole('list', { name: 'Your 24 words' });
  await list.waitFor();
  const words = await list.locator('code').allTextContents();
  must(words.length === 24 && words.every((word) => /^[a-z]+$/.test(word)), `no 24 words: ${String(words.length)}`);
  await look('first-run-words');
  await page.getByRole('button', { name: 'I wrote them down' }).click();
  await page.getByRole('heading', { name: 'Two words, to be sure' }).waitFor();
  const asked = page.getByLabel(/^Word \d+$/);
  const places = await page.locator('label', { hasText: /^Word \d+$/ }).allTextContents();
  must(places.length === 2, `not two words are asked: ${places.join(', ')}`);
  // A wrong word does not lead on.
  await asked.nth(0).fill('nonsense');
  await page.getByRole('button', { name: 'Next' }).click();
  await page
    .getByText(/Look at your paper/)
    .first()
    .waitFor();
  for (const [index, place] of places.entries()) {
    await asked.nth(index).fill(words[Number(place.replace(/\D/g, '')) - 1] ?? '');
  }
  await page.getByRole('button', { name: 'Next' }).click();

  await page.getByRole('heading', { name: 'Room and speed' }).waitFor();
  await look('first-run-place');
  const dir = path.join(FOLDER, 'what-cara-gets');
  await page.getByLabel('Folder for what you get').fill(dir);
  await page.getByRole('textbox', { name: 'Download at most' }).fill('4');
  await page.getByRole('button', { name: 'Finish' }).click();

  await page.getByRole('heading', { name: 'You are ready' }).waitFor();
  await page.getByRole('link', { name: /Share or get a file/ }).click();
  await page.getByText('Nothing is shared and nothing is fetched yet.').waitFor();
  await page.getByRole('button', { name: 'Add' }).first().waitFor();
  const seconds = (performance.now() - began - looking) / 1000;
  must(seconds < 60, `the first run took ${seconds.toFixed(1)} s`);

  const after = await cara.get<Setup>('/setup');
  must(after.done, 'the node does not know that the first run is over');
  const { settings } = await cara.get<Configuration>('/config');
  const value = (key: string) => settings.find((setting) => setting.key === key)?.value;
  must(String(value('files.dir')) === dir, `what was chosen is not kept: files.dir is ${String(value('files.dir'))}`);
  must(
    /^"?(4000000|4 ?MB)/.test(String(value('files.download_rate'))),
    `files.download_rate is ${String(value('files.download_rate'))}`,
  );
  await until('the limit to act', async () => {
    const limits = await cara.get<{ download: number | null }>('/files/limits');
    return limits.download === 4_000_000;
  });
  await page.reload();
  await page.getByRole('heading', { name: 'Files', level: 1 }).waitFor();
  must(new URL(page.url()).pathname === '/files', 'the first run comes twice');
  return `${seconds.toFixed(1)} s from the address to the first file (a program's hands)`;
};
