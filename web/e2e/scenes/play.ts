import type { Page } from 'playwright-core';
import { hues, LIMIT } from './fetch';
import { lab } from '../lab';
import type { Scene } from '../scene';
import { picture, wear } from '../screens';
import { must, until } from '../until';

/** What the player does now. */
async function player(page: Page) {
  return page.locator('video').evaluate((video: HTMLVideoElement) => ({
    at: video.currentTime,
    wide: video.videoWidth,
    seconds: video.duration,
    ready: video.readyState,
    shown: video.getVideoPlaybackQuality().totalVideoFrames,
    seeking: video.seeking,
  }));
}

/** Waits until it plays on from where it is: time goes by and pictures are drawn. */
async function plays(page: Page, what: string, from: number): Promise<void> {
  const before = await player(page);
  await until(what, async () => {
    const now = await player(page);
    return now.at > from + 0.3 && !now.seeking && now.wide > 0 && now.shown > before.shown;
  });
}

/** Ben plays the video while it arrives, and jumps to where nothing of it is yet. */
export const play: Scene = async (stage) => {
  const { page } = stage.ben;
  const { infoHash, seconds } = stage.video;
  const now = () => lab.ben.torrent(infoHash);
  await stage.ben.go(`/files/${infoHash}`);
  const half = await until('about half of it', async () => {
    const torrent = await now();
    return torrent.progress >= 0.45 && torrent;
  });
  must(half.progress < 0.75, `there is no half to look at: ${String(half.progress)}`);
  stage.fetched.half_ms = Date.now();
  const woven = await hues(stage.ben, infoHash);
  await page.evaluate(() => scrollTo(0, 0));
  await picture(stage.ben, 'readme-matrix-light', false);
  await wear(stage.ben, 'dark');
  await picture(stage.ben, 'matrix-dark-1440', false);
  await wear(stage.ben, 'light');

  const asked = performance.now();
  await page.getByRole('button', { name: /^Play: / }).click();
  const video = page.locator('video');
  await video.waitFor();
  await video.evaluate((video: HTMLVideoElement) => video.play());
  await plays(page, 'the video to play', 0);
  const first = (performance.now() - asked) / 1000;
  const begun = await now();
  must(begun.progress < 1, 'it was complete before it played');
  const shown = await player(page);
  must(shown.wide === 640 && Math.abs(shown.seconds - seconds) < 1, `not this video: ${JSON.stringify(shown)}`);

  // The first place from 70 % on of which nothing is here, and of the second behind it not much.
  const columns = 512;
  const map = await lab.ben.map(infoHash, columns);
  const soon = Math.ceil(columns / seconds);
  const hole = map.have.findIndex((have, column) => {
    const next = map.have.slice(column, column + soon).reduce((sum, one) => sum + one, 0) / soon;
    return column >= 0.7 * columns && have === 0 && next < 60;
  });
  must(hole !== -1 && hole < 0.97 * columns, `there is no hole behind 70 %: ${map.have.slice(358).join(' ')}`);
  const to = ((hole + 0.5) / columns) * seconds;
  const jumped = performance.now();
  await video.evaluate((video: HTMLVideoElement, to) => {
    video.currentTime = to;
  }, to);
  await plays(page, 'the video to play on where nothing was', to);
  const wait = (performance.now() - jumped) / 1000;
  const after = await now();
  must(after.progress < 1, 'everything was here before it played on: nothing was fetched first');
  await page.getByText('It plays while it arrives.').waitFor();
  await page.getByRole('img', { name: /of the file is here/ }).waitFor();
  await picture(stage.ben, 'play-light-1440', false);
  await page.getByRole('button', { name: 'Close' }).click();

  return (
    `plays ${first.toFixed(1)} s after the press at ${(begun.progress * 100).toFixed(0)} %, ` +
    `${wait.toFixed(1)} s from the jump to ${to.toFixed(0)} s of ${String(seconds)} s at ${(after.progress * 100).toFixed(0)} % ` +
    `and ${String(LIMIT / 1e6)} MB/s; ${String(woven.cells)} columns by hue at half`
  );
};
