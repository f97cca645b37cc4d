// Players that have to take what conforms: stock, but for the mend of hls.js
// (web/src/player/everypart.js), and some seconds behind, so that a busy machine
// does not make them wait. How close they get is `make bench`'s.

import assert from 'node:assert/strict';
import { setTimeout as delay } from 'node:timers/promises';

import { evaluate, inPage, openPage } from './browser.mjs';
import { assertMoves } from './play.mjs';

const behind = 4; // seconds

export const players = [
  {
    name: 'Shaka, LL-DASH', engine: 'shaka', format: 'dash',
    settings: { streaming: { lowLatencyMode: true }, manifest: { defaultPresentationDelay: behind, dash: { ignoreSuggestedPresentationDelay: true } } },
    // A rendition that it changes to after the end of a stream that was longer than
    // its window it places wrongly.
    atEnd: { abr: { enabled: false } },
  },
  {
    name: 'hls.js, LL-HLS', engine: 'hls', format: 'hls', settings: { lowLatencyMode: true, liveSyncDuration: behind, maxLiveSyncPlaybackRate: 1.1 },
    // It gives a playlist 1.6 s, and while it waits for that of a level it changes to it may miss the end.
    atEnd: { capLevelToPlayerSize: true },
  },
  { name: 'dash.js, LL-DASH', engine: 'dash', format: 'dash', settings: { streaming: { delay: { liveDelay: behind, applyServiceDescription: false } } } },
];

/** Opens a player on a stream's manifests, with settings more than its own. */
export async function openPlayer({ site, browser }, { name, engine, format, settings }, urls, more = {}) {
  const page = await openPage(browser, `${site.origin}/player.html`);
  await page.addStyleTag({ content: 'video { width: 160px; height: 90px; }' }); // which is drawn by the processor
  await evaluate(page, `${name} loads`, ([which, url, options]) => window.play(which, url, options), [engine, urls[format], { ...settings, ...more }]);
  return page;
}

/** Sees a player play for some seconds without an error and, once it has settled, without a wait. */
export async function assertPlaysOn(page, { settling, watching }) {
  await assertMoves(page, { seconds: 1 });
  await delay(settling);
  const from = Date.now();
  await assertMoves(page, { seconds: (settling + watching) / 1000, timeout: settling + watching + 15_000 });
  const { errors, waits } = await page.evaluate(() => window.trouble);
  assert.deepEqual(errors, []);
  const told = waits.filter(({ at }) => at > from).map(({ at, where }) => `${at - from} ms after it had settled: ${where}`);
  assert.deepEqual(told, [], 'it had to wait for media');
  return page.evaluate(() => window.seen);
}

/** In a page: what its media element is at. */
function whereItStands() {
  const video = document.querySelector('video');
  const { currentTime, duration, readyState, paused, buffered } = video;
  return { currentTime, duration, readyState, paused, buffered: buffered.length && buffered.end(buffered.length - 1), ...window.trouble };
}

/**
 * Sees a player come to the end of a stream whose last segment has a number, and
 * show its last second. Sound may go on for some time after the last picture.
 */
export async function assertReachesEnd(page, { number, soundAfterPictures }) {
  const { errors } = await inPage(page, 'the player comes to the end', () => window.cameToEnd, undefined, 20_000)
    .then(() => page.evaluate(() => window.trouble))
    .catch(async (err) => {
      throw new Error(`${err.message}\nit stands at ${JSON.stringify(await page.evaluate(whereItStands))}`);
    });
  // Until it has learned of the end it asks for the segment after the last.
  const asked = (error) => Number(/chunk-stream\w+-(\d+)\.m4s/.exec(error)?.[1]);
  assert.deepEqual(errors.filter((error) => !(asked(error) > number)), []);
  const [shown, end] = await page.evaluate(() => [window.seen.last, document.querySelector('video').duration]);
  assert.ok(end - soundAfterPictures - shown < 1, `the last picture is of ${shown} s, and the end is at ${end} s`);
}
