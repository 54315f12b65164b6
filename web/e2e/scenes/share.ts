import { mkdir, stat, writeFile } from 'node:fs/promises';
import path from 'node:path';
import type { Window } from '../browser';
import { signedIn } from '../browser';
import { FOLDER, lab, type Torrent } from '../lab';
import type { Scene } from '../scene';
import { picture } from '../screens';
import { must } from '../until';
import { makeVideo } from '../video';

const SECONDS = 60;
const MEGABYTES = 45;

/** Drops files from this machine's disk on the page, as a file manager does. */
async function drop({ page, context }: Window, files: string[]): Promise<void> {
  const devtools = await context.newCDPSession(page);
  // Where there is room: the middle of what is seen.
  const at = { x: 700, y: 500 };
  const data = { items: [], files, dragOperationsMask: 1 };
  for (const type of ['dragEnter', 'dragOver', 'drop'] as const) {
    await devtools.send('Input.dispatchDragEvent', { type, ...at, data });
    if (type === 'dragOver') await page.getByText(/^Drop files or folders to share them/).waitFor();
  }
  await devtools.detach();
}

/** Shares what was dropped and takes the link from the page. */
async function shareDropped(window: Window, files: string[]): Promise<{ link: string; seconds: number }> {
  const { page } = window;
  const began = performance.now();
  await drop(window, files);
  const dialog = page.getByRole('dialog');
  await dialog.getByText('They are copied to the node and shared from there.').waitFor();
  await dialog.getByRole('button', { name: 'Share', exact: true }).click();
  // While it is copied and hashed the dialog is an alert; then it is one with the link.
  await page.getByRole('heading', { name: 'It is shared' }).waitFor({ timeout: 120_000 });
  await dialog.getByRole('button', { name: 'Copy link' }).click();
  const link = await page.evaluate(() => navigator.clipboard.readText());
  const shown = (await dialog.locator('code').textContent()) ?? '';
  must(link.startsWith('magnet:?xt=urn:btih:'), `this is no magnet link: ${link.slice(0, 100)}`);
  must(shown === link, 'the link that is copied is not the one that is shown');
  const seconds = (performance.now() - began) / 1000;
  return { link, seconds };
}

function infoHashIn(link: string): string {
  return /urn:btih:([0-9a-f]{40})/i.exec(link)?.[1]?.toLowerCase() ?? '';
}

/** Ann drops a video and a folder on her page, and gets a link for each. */
export const share: Scene = async (stage) => {
  const window = await signedIn('ann');
  stage.ann = window;
  const { page } = window;
  const video = path.join(FOLDER, 'A day at the loom.mp4');
  await makeVideo(video, SECONDS, MEGABYTES);
  const folder = path.join(FOLDER, 'Patterns');
  const names = ['warp.txt', 'weft.txt', 'twill/herringbone.txt', 'twill/Köper 2-2.txt'];
  for (const name of names) {
    const file = path.join(folder, name);
    await mkdir(path.dirname(file), { recursive: true });
    await writeFile(file, `${name}\n`.repeat(20_000));
  }

  await window.panel('Files');
  await page.getByText('Nothing is shared and nothing is fetched yet.').waitFor();
  const first = await shareDropped(window, [video]);
  await picture(window, 'share-link-light-1440', false);
  await page.getByRole('dialog').getByRole('button', { name: 'Done' }).click();
  const second = await shareDropped(window, [folder]);
  await page.getByRole('dialog').getByRole('button', { name: 'Watch it' }).click();
  await page.getByRole('heading', { name: 'Files in it' }).waitFor();

  stage.video = { infoHash: infoHashIn(first.link), link: first.link, file: video, seconds: SECONDS };
  stage.folder = { infoHash: infoHashIn(second.link), link: second.link, names };
  const shared = async (infoHash: string): Promise<Torrent> => {
    const torrent = await lab.ann.torrent(infoHash);
    must(torrent.complete && torrent.state === 'seeding', `${torrent.name} is not shared: ${torrent.state}`);
    return torrent;
  };
  const film = await shared(stage.video.infoHash);
  const { size } = await stat(video);
  must(film.size === size && film.files.length === 1, `not the file that was dropped: ${String(film.size)} bytes`);
  const patterns = await shared(stage.folder.infoHash);
  must(patterns.name === 'Patterns', `the folder is called ${patterns.name}`);
  const paths = patterns.files.map((file) => file.path.replace(/^Patterns\//, '')).sort();
  must(paths.join('\n') === [...names].sort().join('\n'), `not the files that were dropped: ${paths.join(', ')}`);
  await page.getByRole('button', { name: 'twill' }).waitFor();
  return `${(size / 1e6).toFixed(0)} MB copied, hashed and shared in ${first.seconds.toFixed(1)} s`;
};
