import { tableOf, type Window } from '../browser';
import { lab, order, type Name } from '../lab';
import type { Scene } from '../scene';
import { picture, wear } from '../screens';
import { must, until } from '../until';

interface Offered {
  offered_relay: { url: string } | null;
}

/** The part of a relay's name that the page shows. */
function keyOf(url: string): string {
  return new URL(url).hostname.split('.')[0] ?? '';
}

/** How the line to a peer is drawn on the overview's map. */
async function line({ page }: Window, peer: string) {
  return page.evaluate((peer) => {
    const path = document.querySelector<SVGPathElement>(`path[data-line="${peer}"]`);
    const dot = document.querySelector<SVGGElement>(`g[data-peer="${peer}"]`);
    if (!path || !dot) return null;
    const dashed = getComputedStyle(path).strokeDasharray !== 'none';
    return { route: dot.dataset['route'] ?? '', via: dot.dataset['via'] ?? '', dashed };
  }, peer);
}

/** Whether a peer's dot is drawn, and how. */
async function dot({ page }: Window, peer: string): Promise<string | null> {
  return page.locator(`g[data-peer="${peer}"]`).getAttribute('data-route');
}

/** The relay between two peers dies: it is offline on the page, the path takes the other one, and the bytes go on. */
export const relayKilled: Scene = async (stage) => {
  const { page } = stage.ben;
  const { infoHash } = stage.video;
  const ann = lab.ann.key;
  const relays = new Map<string, Name>();
  for (const name of ['oak', 'elm'] as const) {
    const { offered_relay } = await lab[name].get<Offered>('/network/status');
    must(offered_relay, `${name} offers no relay`);
    relays.set(keyOf(offered_relay.url), name);
  }
  await stage.ben.panel('Overview');
  await page.getByRole('group', { name: /^Map of connections/ }).waitFor();
  const before = await until('the path to ann on the map', async () => {
    const drawn = await line(stage.ben, ann);
    return drawn !== null && relays.has(drawn.via) && drawn;
  });
  must(before.route === 'relayed' && before.dashed, `the path to ann is drawn ${JSON.stringify(before)}`);
  const cara = await until('the path to cara on the map', () => line(stage.ben, lab.cara.key));
  must(cara.route === 'direct' && !cara.dashed, `the path to cara is drawn ${JSON.stringify(cara)}`);
  const table = tableOf(page, 'Who you are connected to');
  const choose = page.getByRole('radiogroup', { name: 'Show as: Who you are connected to' });
  await choose.getByRole('radio', { name: 'Table' }).click();
  await table
    .getByRole('row', { name: /Ann/ })
    .getByText(/through relay/)
    .waitFor();
  await choose.getByRole('radio', { name: 'Graph' }).click();

  const used = relays.get(before.via);
  must(used, 'no relay is in use');
  const { via_relay } = await lab.ben.peer(ann);
  must(via_relay != null && relays.get(keyOf(via_relay)) === used, `the map says ${used}, the node ${via_relay}`);
  for (const theme of ['light', 'dark'] as const) {
    await wear(stage.ben, theme);
    await picture(stage.ben, theme === 'dark' ? 'readme-overview-dark' : 'overview-transfer-light-1440', false);
  }
  await wear(stage.ben, 'light');
  must((await dot(stage.ben, lab[used].key)) === 'direct', `${used} is not connected on the map`);

  const given = async () => {
    const { exchanged } = await lab.ben.torrent(infoHash);
    return exchanged.find(({ peer }) => peer === ann)?.downloaded ?? 0;
  };
  const killed = performance.now();
  await order('kill', used);
  const other = await until('the path to take the other relay', async () => {
    const drawn = await line(stage.ben, ann);
    return drawn !== null && drawn.via !== before.via && drawn;
  });
  const seconds = (performance.now() - killed) / 1000;
  must(relays.has(other.via) && other.dashed, `the path to ann is drawn ${JSON.stringify(other)}`);
  const already = await given();
  await until('bytes of ann by the other relay', async () => (await given()) > already + 200_000);
  const flows = (performance.now() - killed) / 1000;
  await picture(stage.ben, 'relay-killed-light-1440', false);
  must(!(await lab.ben.torrent(infoHash)).complete, 'it was complete before the relay died: nothing had to go on');

  // The limit goes, and the rest comes.
  await lab.ben.put('/files/limits', { download: null, upload: null });
  await until('all of it', async () => (await lab.ben.torrent(infoHash)).complete, 60_000);
  const whole = (performance.now() - killed) / 1000;
  await stage.ben.go(`/files/${infoHash}`);
  await page
    .getByText(/^All of it is here/)
    .first()
    .waitFor();

  // The same in words: who is away, which relay is left, and what happened.
  await stage.ben.panel('Network');
  await tableOf(page, 'Relay peers').getByText('does not answer, tried again later').waitFor();
  await page
    .getByRole('radiogroup', { name: 'Show as: Paths over time' })
    .getByRole('radio', { name: 'Table' })
    .click();
  const times = tableOf(page, 'Paths over time');
  await times
    .getByRole('row', { name: /Ann.*through a relay peer/ })
    .first()
    .waitFor();
  await page
    .getByRole('radiogroup', { name: 'Show as: Paths over time' })
    .getByRole('radio', { name: 'Graph' })
    .click();
  await stage.ben.panel('Activity');
  await page
    .getByRole('listbox')
    .getByText(/^Ann was reached over another relay after|^The relay .* does not answer/)
    .first()
    .waitFor();

  stage.killed = { relay: used, at: killed };
  return `${used} killed: other relay on the map after ${seconds.toFixed(1)} s, bytes through it after ${flows.toFixed(1)} s, all of it after ${whole.toFixed(1)} s`;
};

/** The dead relay peer is hollow on the map once nothing was heard of it for a while, and is used again when it is back. */
export const relayBack: Scene = async (stage) => {
  const { page } = stage.ben;
  const { relay, at } = stage.killed;
  const { key } = lab[relay];
  await stage.ben.panel('Overview');
  await until(`${relay} to be offline on the map`, async () => (await dot(stage.ben, key)) === 'offline', 90_000);
  const offline = (performance.now() - at) / 1000;
  await picture(stage.ben, 'relay-offline-light-1440', false);
  await stage.ben.panel('Network');
  const table = tableOf(page, 'Relay peers');
  const away = table.getByRole('row', { name: /does not answer, tried again later/ });
  await away.waitFor();
  await order('start', relay);
  const started = performance.now();
  await until(
    `${relay} to be usable`,
    async () =>
      (await lab.ben.network()).relays.length >= 2 && (await lab.ben.network()).relays.every(({ usable }) => usable),
    90_000,
  );
  await table.getByRole('row', { name: /ready/ }).waitFor();
  await away.waitFor({ state: 'detached' });
  const back = (performance.now() - started) / 1000;
  return `${relay} offline on the map within ${offline.toFixed(0)} s of its death, usable again ${back.toFixed(1)} s after its start`;
};
