import { lab, say, type TorrentMap } from '../lab';
import { tableOf, type Window } from '../browser';
import type { Scene } from '../scene';
import { must, until } from '../until';

/** What ben's line is held to: so slow that there is a middle to do things in. */
export const LIMIT = 900_000;

/** The hue of each column of your own row, as it is painted, and what the legend says each giver's hue is. */
interface Painted {
  columns: number;
  hues: number[][];
  legend: Record<string, number[]>;
}

async function painted({ page }: Window): Promise<Painted> {
  return page.evaluate(() => {
    const field = document.querySelector<HTMLElement>('[role=application][data-columns]');
    const canvas = field?.querySelector('canvas');
    const context = canvas?.getContext('2d');
    if (!field || !canvas || !context) throw new Error('there is no matrix');
    const columns = Number(field.dataset['columns']);
    const ratio = canvas.width / canvas.clientWidth;
    const wide = canvas.width / columns;
    const hues: number[][] = [];
    for (let column = 0; column < columns; column++) {
      // The foot of the first row's cell, which is 20 pixels tall and begins 3 below the top: a column that is here in
      // part is woven from below.
      const { data } = context.getImageData(Math.floor((column + 0.4) * wide), Math.floor(21.5 * ratio), 1, 1);
      hues.push([data[0] ?? 0, data[1] ?? 0, data[2] ?? 0]);
    }
    const legend: Record<string, number[]> = {};
    for (const item of document.querySelectorAll<HTMLElement>('li[data-peer]')) {
      const mark = item.querySelector('i');
      const colour = mark ? getComputedStyle(mark).backgroundColor : '';
      legend[item.dataset['peer'] ?? ''] = (colour.match(/\d+/g) ?? []).slice(0, 3).map(Number);
    }
    return { columns, hues, legend };
  });
}

function same(a: number[] | undefined, b: number[] | undefined): boolean {
  return a !== undefined && b !== undefined && a.every((part, index) => Math.abs(part - (b[index] ?? 0)) <= 2);
}

/** Who gave most of what is here of a column. */
function giverOf(map: TorrentMap, column: number): string | null {
  return map.givers[map.giver[column] ?? -1]?.peer ?? null;
}

/**
 * Compares what is painted with what the node said before and said after: a column that was the same giver's both times
 * has that giver's hue, and one of which nothing is here after has nobody's.
 */
export async function hues(
  window: Window,
  infoHash: string,
): Promise<{ cells: number; missing: number; givers: number }> {
  const { columns } = await painted(window);
  const before = await lab[window.name].map(infoHash, columns);
  // The page asks once a second, or every five seconds when nothing moves: the next answer is not older than ours.
  await window.page.waitForResponse((response) => response.url().includes(`${infoHash}/map`));
  return until(
    'the hues of the matrix to be those of the givers',
    async () => {
      const seen = await painted(window);
      const after = await lab[window.name].map(infoHash, columns);
      must(seen.columns === columns && after.columns === columns, 'the columns of the matrix are not those of the map');
      const threads = Object.values(seen.legend);
      const givers = new Set<string>();
      let [cells, missing] = [0, 0];
      let odd = '';
      for (let column = 0; column < columns; column++) {
        const hue = seen.hues[column];
        const giver = giverOf(before, column);
        if (giver !== null && giver === giverOf(after, column)) {
          cells += 1;
          // One device may be two givers, by its key and by its address: it has one thread.
          givers.add(String(seen.legend[giver]));
          if (!same(hue, seen.legend[giver])) odd = `column ${String(column)} of ${giver} has ${String(hue)}`;
        } else if (after.have[column] === 0) {
          missing += 1;
          if (threads.some((thread) => same(thread, hue))) odd = `column ${String(column)} is missing and has a hue`;
        }
      }
      // A cell that was just woven takes a moment to appear.
      must(odd === '', odd);
      return { cells, missing, givers: givers.size };
    },
    5_000,
  );
}

/** Compares the table beside the matrix with the node: whole stretches and who gave them. */
async function table(window: Window, infoHash: string): Promise<number> {
  const { page } = window;
  const card = page.getByRole('radiogroup', { name: /^Show as: .*[Ww]oven/ });
  await card.getByRole('radio', { name: 'Table' }).click();
  const region = tableOf(page, 'Your pieces');
  await region.waitFor();
  const before = await page.evaluate(() => {
    return [...document.querySelectorAll<HTMLElement>('[data-first][data-giver]')].map(({ dataset }) => ({
      first: Number(dataset['first']),
      last: Number(dataset['last']),
      giver: dataset['giver'] ?? '',
    }));
  });
  const columns = 1 + Math.max(...before.map(({ last }) => last));
  const map = await lab[window.name].map(infoHash, columns);
  let compared = 0;
  for (const { first, last, giver } of before) {
    for (let column = first; column <= last; column++) {
      if (giver === 'none') continue;
      compared += 1;
      const says = map.givers[map.giver[column] ?? -1]?.peer;
      const part = (map.have[column] ?? 0) < 100;
      // Of a column that was here in part, another may have given most meanwhile.
      must(
        says === giver || part,
        `column ${String(column)} is ${giver}'s in the table and ${String(says)}'s at the node`,
      );
    }
  }
  await card.getByRole('radio', { name: 'Graph' }).click();
  await page.getByRole('application').waitFor();
  return compared;
}

/** Ben pastes ann's link, holds his line to a limit, and watches the cloth being woven, by ann and by cara. */
export const fetch: Scene = async (stage) => {
  const { page } = stage.ben;
  const { infoHash, link } = stage.video;
  // Cara has a part of it: Ben's pieces come from two.
  await lab.cara.post('/files/torrents', { magnet: link, limits: { download: 400_000, upload: 250_000 } });
  await until('cara to have a part', async () => (await lab.cara.torrent(infoHash)).progress > 0.02);

  await stage.ben.panel('Files');
  await page.getByRole('button', { name: 'Limits for all' }).click();
  const limits = page.getByRole('dialog', { name: 'Limits for all torrents together' });
  await limits.getByRole('textbox', { name: 'Receiving at most' }).fill(String(LIMIT / 1000));
  await limits.getByRole('button', { name: 'Set limits' }).click();
  await limits.waitFor({ state: 'hidden' });
  const set = await lab.ben.get<{ download: number | null; upload: number | null }>('/files/limits');
  must(set.download === LIMIT && set.upload === null, `the limits at the node are ${JSON.stringify(set)}`);

  const began = performance.now();
  stage.fetched = { began_ms: Date.now(), half_ms: 0 };
  // A paste beside every field is taken for a link.
  await page.evaluate(() => (document.activeElement as HTMLElement | null)?.blur());
  await page.evaluate((text) => navigator.clipboard.writeText(text), link);
  await page.keyboard.press('Control+V');
  const dialog = page.getByRole('dialog');
  await dialog.getByText('A magnet link. What it consists of comes from peers.').waitFor();
  await dialog.getByRole('button', { name: 'Get this' }).click();
  await page.waitForURL(`**/files/${infoHash}`);
  await page.getByRole('application').waitFor();
  const first = (performance.now() - began) / 1000;
  // Cara is in the open: Ben's page tells the torrent of her.
  await page.getByLabel('Tell it of a peer').fill(lab.cara.key);
  await page.getByRole('button', { name: 'Tell', exact: true }).click();

  let most = { cells: 0, missing: 0, givers: 0 };
  const pace: { at: number; bytes: number }[] = [];
  for (const part of [0.05, 0.1, 0.15]) {
    const at = await until(`${String(part * 100)} %`, async () => {
      const torrent = await lab.ben.torrent(infoHash);
      return torrent.progress >= part && torrent;
    });
    pace.push({ at: performance.now(), bytes: at.downloaded });
    const seen = await hues(stage.ben, infoHash);
    must(
      seen.cells > most.cells,
      `the matrix does not fill: ${String(most.cells)} columns, then ${String(seen.cells)}`,
    );
    most = { ...seen, givers: Math.max(seen.givers, most.givers) };
  }
  // What came before the first moment was faster: a limit lets the first second's worth through at once.
  const [begun, ended] = [pace[0], pace.at(-1)];
  must(begun && ended, 'there was no moment');
  const rate = ((ended.bytes - begun.bytes) / (ended.at - begun.at)) * 1000;
  must(rate < LIMIT * 1.15, `the limit of ${String(LIMIT)} bytes a second does not hold: ${rate.toFixed(0)}`);
  must(most.missing > 0, 'nothing is missing: there was nothing to watch');
  must(most.givers >= 2, `only ${String(most.givers)} gave: ann and cara should`);
  const cells = await table(stage.ben, infoHash);

  // The histogram: both have what cara has, ann alone has the rest.
  const histogram = page.getByRole('img', { name: /How often each piece is to be had/ });
  await histogram.waitFor();
  const says = (await histogram.getAttribute('aria-label')) ?? '';
  must(/held by 1 peer/.test(says), `the rarest pieces are ann's alone; the histogram says: ${says}`);
  const map = await lab.ben.map(infoHash, 64);
  must(Math.min(...map.availability) === 1, `the node says ${map.availability.join(' ')}`);
  must(Number(await histogram.getAttribute('data-columns')) > 10, 'the histogram has no columns');
  say(`    ${String(pace.length)} moments, ${String(most.cells)} columns by hue, ${String(cells)} by table`);
  return `metadata after ${first.toFixed(1)} s; hues of ${String(most.givers)} givers agree with the API; limit ${String(LIMIT / 1e6)} MB/s: ${(rate / 1e6).toFixed(2)} came`;
};
