import { order } from '../lab';
import type { Scene } from '../scene';
import { pictures } from '../screens';
import { must, until } from '../until';

/** Ben's node stops under his page: the page says so, waits, and is live again by itself. */
export const offline: Scene = async (stage) => {
  const { page } = stage.ben;
  await stage.ben.panel('Overview');
  // A page that is loaded anew would not know this any more.
  await page.evaluate(() => ((globalThis as { stays?: boolean }).stays = true));
  const status = page.getByRole('status').filter({ hasText: 'Your node does not answer.' });
  const silent = /net::ERR_|Failed to fetch|Failed to load resource|ERR_INCOMPLETE_CHUNKED_ENCODING|network error/;
  let said = 0;
  let back = 0;
  await stage.ben.despite(silent, async () => {
    const began = performance.now();
    await order('stop', 'ben');
    await page.getByText('Your node does not answer', { exact: true }).waitFor();
    await status.waitFor();
    said = (performance.now() - began) / 1000;
    await page
      .getByText(/weft up/)
      .first()
      .waitFor();
    await pictures(stage.ben, 'offline');
    // The panels stay: what was known is still to be seen.
    await stage.ben.panel('Files');
    await page.getByRole('link', { name: 'A day at the loom.mp4' }).waitFor();
    await order('start', 'ben');
    const up = performance.now();
    await status.waitFor({ state: 'detached' });
    await page.getByText('Your node does not answer', { exact: true }).waitFor({ state: 'detached' });
    back = (performance.now() - up) / 1000;
  });
  // Live: what happens now is seen, in the same page.
  const row = page.locator(`[data-info-hash="${stage.video.infoHash}"]`);
  await row.getByRole('button', { name: /^Pause: / }).click();
  await until('the pause to be seen', async () => (await row.getAttribute('data-state')) === 'paused');
  await row.getByRole('button', { name: /^Go on: / }).click();
  await until('it to go on', async () => (await row.getAttribute('data-state')) === 'seeding');
  must(await page.evaluate(() => (globalThis as { stays?: boolean }).stays), 'the page was loaded anew');
  return `said after ${said.toFixed(1)} s, live ${back.toFixed(1)} s after the node was back, without a reload`;
};
