import { lab } from '../lab';
import type { Scene } from '../scene';
import { picture } from '../screens';
import { must, until } from '../until';

interface History {
  now_ms: number;
  oldest_at_ms: number;
}

/** The time cursor goes back: the files are as they were then, the page says so, and the way back leads to now. */
export const replay: Scene = async (stage) => {
  const { page } = stage.ben;
  const { infoHash } = stage.video;
  const { oldest_at_ms, now_ms } = await lab.ben.get<History>('/events/history');
  must(oldest_at_ms < stage.fetched.half_ms, 'the ring does not reach back to the fetch');
  const strip = page.locator(`[data-info-hash="${infoHash}"] [role=progressbar]`);
  const progress = async () => Number(await strip.getAttribute('aria-valuenow'));
  await stage.ben.panel('Files');
  await until('the whole file in the list', async () => (await progress()) === 100);

  await stage.ben.panel('Activity');
  const slider = page.getByRole('slider', { name: 'Moment' });
  await slider.waitFor();
  const banner = page.getByText(/^You are looking at .*, not at now$/);
  must((await banner.count()) === 0, 'the page says that it shows the past, and it does not');
  // Pressed on the track where the fetch was at its half; then a second back and forth with the buttons.
  const track = await slider.evaluate((input) => {
    const box = input.closest('[class*=slider]')?.querySelector('[class*=track]')?.getBoundingClientRect();
    return box && { x: box.x, y: box.y + box.height / 2, width: box.width };
  });
  must(track, 'the time cursor has no track');
  const part = (stage.fetched.half_ms - oldest_at_ms) / (now_ms - oldest_at_ms);
  await page.mouse.click(track.x + part * track.width, track.y);
  await banner.waitFor();
  await picture(stage.ben, 'replay-activity-light-1440', false);
  await stage.ben.panel('Files');
  await banner.waitFor();
  const then = await until('what was then', async () => {
    const at = await progress();
    return at > 0 && at < 100 && at;
  });
  await picture(stage.ben, 'replay-files-light-1440', false);
  await stage.ben.panel('Activity');
  for (let step = 0; step < 3; step++) {
    const from = Number(await slider.inputValue());
    await page.getByRole('button', { name: '10 s earlier' }).click();
    await until('the cursor to go back', async () => Number(await slider.inputValue()) <= from - 9_000);
  }
  await stage.ben.panel('Files');
  const earlier = await until('what was 30 s before', async () => {
    // Before it was added it is not in the list.
    const at = (await strip.count()) === 0 ? 0 : await progress();
    return at < then && { at };
  });
  await page.getByRole('button', { name: 'Back to now' }).click();
  await banner.waitFor({ state: 'detached' });
  await until('the present', async () => (await progress()) === 100);
  return `${String(then)} % at the middle of the fetch, ${String(earlier.at)} % 30 s before, 100 % now`;
};
