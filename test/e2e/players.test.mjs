// Players that others have written, as they come out of their boxes, each for
// fifteen seconds: when the first frame is there, how far behind the live edge it
// stays, whether it stops, and that it asks for nothing that is not there. All of
// them, for a minute each, are `make players`.

import assert from 'node:assert/strict';
import { setTimeout as delay } from 'node:timers/promises';

import { data, preparedStream } from './lib/api.mjs';
import { inPage, openPage } from './lib/browser.mjs';
import { openInFirefox } from './lib/firefox.mjs';
import { asked, judge, playInChromium, playInFFmpeg } from './lib/foreign.mjs';
import { until } from './lib/processes.mjs';
import { live, publishFromCommand } from './lib/publish.mjs';
import { scene } from './lib/scene.mjs';

const seconds = 15;
/** What two busy cores may add, in seconds. */
const busy = 2;

/** Plays, and holds what came of it against bounds in seconds. */
async function hold(t, server, { first, behind, stops }, play) {
  const since = server.log.length;
  const { said, ...seen } = await play();
  const { requests, refused } = asked(server, since);
  t.diagnostic(JSON.stringify({ ...seen, requests, refused: refused.length }));
  assert.ok(seen.firstFrame <= first + busy, `the first frame after ${seen.firstFrame} s: ${said}`);
  assert.ok(seen.behind <= behind + busy, `${seen.behind} s behind`);
  assert.ok(seen.stops <= stops, `${seen.stops} stops`);
  assert.deepEqual(refused, [], 'asked for, and not there');
  assert.ok(requests < 40 * seconds, `${requests} requests`);
}

scene('players of others', { env: { SLUICE_LOG_LEVEL: 'debug', SLUICE_PRESET: 'ultrafast' } }, async (it) => {
  const { server, step } = it;
  const early = await preparedStream(server, 'Prepared early');
  const { id } = await preparedStream(server, 'Players');
  const { hls_url: hls, dash_url: dash } = await live(it, id, publishFromCommand(it, id));
  await until('there is media', async () => (await fetch(dash)).ok);

  // First of all: in a stream's first minute FFmpeg counts in another way.
  await step('FFmpeg, DASH, right after the start', (t) => hold(t, server, { first: 5, behind: 2.5, stops: 0 }, () => playInFFmpeg(dash, seconds)));
  await step('FFmpeg, HLS', (t) => hold(t, server, { first: 4, behind: 7, stops: 0 }, () => playInFFmpeg(hls, seconds)));

  for (const [name, player, url, bounds] of [
    ['video.js, HLS', 'videojs', hls, { first: 3, behind: 3, stops: 1 }],
    ['video.js, DASH', 'videojs', dash, { first: 4, behind: 6, stops: 2 }],
    // It does not catch up with what a stop costs.
    ['rx-player, DASH', 'rx', dash, { first: 2, behind: 8, stops: 1 }],
  ]) {
    await step(name, (t) =>
      hold(t, server, bounds, async () => {
        const seen = await playInChromium(it, player, url, seconds);
        if (!Number.isNaN(seen.firstFrame)) return seen;
        // video.js now and then gives up at its start with MEDIA_ERR_DECODE: docs/players.md says why.
        t.diagnostic(`once more: ${seen.said}`);
        return playInChromium(it, player, url, seconds);
      }));
  }

  await step('hls.js in Firefox', (t) =>
    hold(t, server, { first: 4, behind: 4, stops: 2 }, async () => {
      const reports = await openInFirefox(it, `${it.site.origin}/foreign.html`, { player: 'hls', url: hls });
      await until('the page is there', () => reports.length > 0, { timeout: 30_000 });
      await delay(seconds * 1000);
      const { began, frames } = reports.at(-1);
      return judge(began, frames, Date.now());
    }));

  await step('Shaka Player comes to the end of a stream that it watches', async (t) => {
    const page = await openPage(it.browser);
    await page.addInitScript(() => document.addEventListener('ended', ({ target }) => (window.ended = target.currentTime), true));
    await page.goto(`${it.site.origin}/foreign.html?told=${encodeURIComponent(JSON.stringify({ player: 'shaka', url: dash }))}`);
    await inPage(page, 'the player plays', () => window.watched?.frames.length > 3, undefined, 30_000);
    const since = server.log.length;
    await data(server, 'POST', `/streams/${id}/end`);
    const ended = Date.now();
    await inPage(page, 'the player says that it has ended', () => window.ended !== undefined, undefined, 20_000);
    t.diagnostic(`it says so ${(Date.now() - ended) / 1000} s after the end`);
    await until('the MPD is static', async () => (await (await fetch(dash)).text()).includes('type="static"'));
    const [at, length] = await page.evaluate(() => [window.ended, document.querySelector('video').duration]);
    const said = /mediaPresentationDuration="PT(?:(\d+)H)?(?:(\d+)M)?([\d.]+)S"/.exec(await (await fetch(dash)).text());
    const end = (said[1] ?? 0) * 3600 + (said[2] ?? 0) * 60 + Number(said[3]);
    for (const time of [at, length]) assert.ok(Math.abs(time - end) < 0.5, `it ends at ${at} of ${length} s, the stream at ${end} s`);
    assert.deepEqual(asked(server, since).refused, [], 'asked for, and not there');
    await page.context().close();
  });

  await step('FFmpeg, DASH, prepared minutes before its first frame', async (t) => {
    const { dash_url: late } = await live(it, early.id, publishFromCommand(it, early.id));
    await until('there is media', async () => (await fetch(late)).ok);
    await hold(t, server, { first: 5, behind: 2.5, stops: 0 }, () => playInFFmpeg(late, seconds));
  });
});
