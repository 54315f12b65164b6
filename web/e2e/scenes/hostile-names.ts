import { mkdir, writeFile } from 'node:fs/promises';
import path from 'node:path';
import { torrentOf } from '../bencode';
import { NARROW, WIDE } from '../browser';
import { FOLDER, lab, Refused, type Torrent } from '../lab';
import type { Scene } from '../scene';
import { mustFit, picture, wear } from '../screens';
import { must, until } from '../until';
import { panelPaths, settled } from './panels';

const MARK = 'weftWasHere';
const IMAGE = `<img src=x onerror="globalThis.${MARK}=1">`;
const SCRIPT = `<script>globalThis.${MARK}=2</script>`;
const OVERRIDE = '\u202Egnp.exe\u202C \u2066turned\u2069';
const EMOJI = '🧵🪡👩‍👩‍👧‍👦🏳️‍🌈'.repeat(20);
const TEN_KILOBYTES = 'x'.repeat(10_000);

/** Names that somebody may send, and that a file system takes. */
const ON_DISK = [IMAGE, `${SCRIPT.replaceAll('/', '_')}.mp4`, `${'🧵'.repeat(60)}.txt`, 'y'.repeat(255)];

/** Everything a name may have done. */
const LOOKS_ODD = `(() => {
  const names = ['img[src=x]', 'script:not([src])', '[onerror]', 'iframe'];
  const found = names.filter((name) => document.querySelector(name));
  if (globalThis.${MARK} !== undefined) found.push('the mark: ' + globalThis.${MARK});
  if (/[\\u202a-\\u202e\\u2066-\\u2069]/.test(document.body.innerText)) found.push('characters that turn the text');
  if (/x{1500}/.test(document.body.innerText)) found.push('a name of 10 kB in full');
  return found;
})()`;

/** Torrents, files and people with names that want more than to be read: they look odd, and do nothing. */
export const hostileNames: Scene = async (stage) => {
  const folder = path.join(FOLDER, IMAGE);
  await mkdir(folder, { recursive: true });
  for (const name of ON_DISK) await writeFile(path.join(folder, name), 'odd');
  // With a name that turns the text the node shares nothing at all.
  const turned = path.join(FOLDER, 'turned');
  await mkdir(turned, { recursive: true });
  await writeFile(path.join(turned, `${OVERRIDE}.txt`), 'odd');
  let refused = 0;
  await lab.ann.post('/files/torrents', { path: turned }).catch((error: unknown) => {
    must(error instanceof Refused && error.status === 400, `sharing a name that turns the text: ${String(error)}`);
    refused += 1;
  });
  const shared = await lab.ann.post<Torrent>('/files/torrents', { path: folder });

  const made = [
    torrentOf(IMAGE, []),
    torrentOf(SCRIPT, [IMAGE, SCRIPT, OVERRIDE, EMOJI, TEN_KILOBYTES]),
    torrentOf(`${OVERRIDE} torrent`, []),
    torrentOf(EMOJI, []),
    torrentOf(TEN_KILOBYTES, []),
    torrentOf(`${'\u202E'}${TEN_KILOBYTES}${IMAGE}`, [`${TEN_KILOBYTES}.mp4`]),
  ];
  const added: string[] = [shared.info_hash];
  for (const metainfo of made) {
    try {
      const torrent = await lab.ann.post<Torrent>('/files/torrents', {
        metainfo: metainfo.toString('base64'),
        paused: true,
      });
      added.push(torrent.info_hash);
    } catch (error) {
      // What no file system can hold the node may refuse; then the page has nothing to show.
      if (!(error instanceof Refused && error.status < 500)) throw error;
      refused += 1;
    }
  }
  must(added.length >= 4, `only ${String(added.length)} of the odd torrents were taken`);

  let people = 0;
  const [ben] = await lab.ann.get<{ user_key: string; petname: string }[]>('/people/contacts');
  must(ben, 'ann knows nobody');
  for (const petname of [OVERRIDE, TEN_KILOBYTES, '🧵🪡', SCRIPT, IMAGE]) {
    try {
      await lab.ann.patch(`/people/contacts/${ben.user_key}`, { petname, notes: SCRIPT });
      people += 1;
    } catch (error) {
      if (!(error instanceof Refused && error.status < 500)) throw error;
      refused += 1;
    }
  }
  must(people > 0, 'no odd name was taken for a person');

  const window = stage.ann;
  const { page } = window;
  await page.setViewportSize(NARROW);
  const pages = [
    ...(await panelPaths(window)),
    ...added.map((infoHash) => `/files/${infoHash}`),
    `/peers/${ben.user_key}`,
  ];
  for (const at of pages) {
    await window.go(at);
    await settled(window);
    for (const size of [NARROW, WIDE]) {
      await page.setViewportSize(size);
      await mustFit(window, `${at} with odd names`);
    }
    const done = await page.evaluate<string[]>(LOOKS_ODD);
    must(done.length === 0, `${at}: a name did more than to look odd: ${done.join(', ')}`);
    await page.setViewportSize(NARROW);
    window.quiet();
  }
  // They are shown, not hidden: as text.
  await window.go('/files');
  await page.getByText(IMAGE).first().waitFor();
  await picture(window, 'hostile-files-light-380');
  await page.setViewportSize(WIDE);
  await picture(window, 'hostile-files-light-1440');
  await wear(window, 'dark');
  await window.go(`/files/${shared.info_hash}`);
  await settled(window);
  await picture(window, 'hostile-torrent-dark-1440');
  await wear(window, 'light');
  await window.go(`/peers/${ben.user_key}`);
  await settled(window);
  await picture(window, 'hostile-peer-light-1440');

  for (const infoHash of added) await lab.ann.delete(`/files/torrents/${infoHash}`);
  await lab.ann.patch(`/people/contacts/${ben.user_key}`, { petname: 'Ben', notes: '' });
  await until('the odd names to be gone', async () => (await lab.ann.torrents()).length === 2);
  return `${String(added.length)} torrents and ${String(people)} names of people on ${String(pages.length)} pages; ${String(refused)} refused by the node`;
};
