// The watch page as viewers use it: its keys, its menu, what it does when a browser
// or the network will not play, and the end of a stream.

import assert from 'node:assert/strict';
import { setTimeout as delay } from 'node:timers/promises';

import { data, preparedStream } from './lib/api.mjs';
import { inPage, openPage } from './lib/browser.mjs';
import { Gallery } from './lib/gallery.mjs';
import { assertMoves, watchElement } from './lib/play.mjs';
import { until } from './lib/processes.mjs';
import { live, publishFromCommand } from './lib/publish.mjs';
import { scene } from './lib/scene.mjs';

const gallery = new Gallery();

/** How old a stream is when its timeline is worth going back in, in ms. */
const grown = 20_000;

/** Opens the watch page of a stream; `before` is a script that runs before its own. */
async function openWatch({ server, browser }, id, { query = '', before, plays = true } = {}) {
  const page = await openPage(browser, undefined, { viewport: { width: 1280, height: 800 } });
  if (before) await page.addInitScript(before);
  await page.goto(`${server.origin}/watch/${id}?${query}`);
  if (plays) await playing(page);
  return page;
}

/** Waits until the playhead moves. */
async function playing(page) {
  await page.evaluate(() => delete window.playhead);
  const moves = () => {
    const { paused, readyState, currentTime } = document.querySelector('video');
    if (paused || readyState < HTMLMediaElement.HAVE_CURRENT_DATA) return false;
    const before = window.playhead;
    window.playhead = currentTime;
    return before < currentTime;
  };
  await inPage(page, 'it plays', moves, undefined, 30_000);
}

/** What a page shows, for a failure. */
function whatIsShown() {
  const { currentTime, duration, readyState, paused, ended, seeking, buffered } = document.querySelector('video');
  const ranges = Array.from({ length: buffered.length }, (_, i) => [buffered.start(i), buffered.end(i)]);
  return { currentTime, duration, readyState, paused, ended, seeking, ranges, text: document.body.innerText };
}

/** Seconds behind the live edge, as the page says. */
const latencyOf = (page) => page.evaluate(() => Number(document.querySelector('[data-testid=latency]').dataset.seconds));
const isAtEdge = (page) => page.getByTestId('live-edge').getAttribute('data-at-edge').then((at) => at === 'true');
const atEdge = (page) => until('it is at the live edge', () => isAtEdge(page));
const position = (page) => page.evaluate(() => document.querySelector('video').currentTime);

/** A choice of the menu by its whole text. */
const choice = (page, text) => page.locator('[data-menu] label', { has: page.locator('span:not(.now)').getByText(text, { exact: true }) });

async function openMenu(page) {
  await page.mouse.move(200, 300 + Math.random() * 50); // the controls come back
  await page.getByRole('button', { name: 'Settings' }).click();
}

scene('the watch page', {}, async (it) => {
  const { server, step } = it;
  const { id } = await preparedStream(server, 'Watched');
  const publisher = publishFromCommand(it, id);
  await live(it, id, publisher);
  await delay(grown);

  await step('stays live after a short pause', async () => {
    const page = await openWatch(it, id);
    await atEdge(page);
    await page.locator('video').dblclick(); // full screen, and on its way there a pause and its end
    await page.keyboard.press(' ');
    assert.equal(await page.evaluate(() => document.querySelector('video').paused), true);
    await delay(1500);
    await page.keyboard.press(' ');
    await until('it is as near to live as it was', async () => (await latencyOf(page)) < 1.5);
    assert.equal(await isAtEdge(page), true);
    await page.context().close();
  });

  await step('goes back and to live by the keyboard, on the timeline too', async () => {
    const page = await openWatch(it, id);
    await atEdge(page);
    await page.mouse.move(200, 300);
    await page.getByRole('slider', { name: 'Position' }).focus();
    await page.keyboard.press('ArrowLeft');
    await until('it is behind', async () => !(await isAtEdge(page)));
    const behind = await until('it says how far', async () => (await latencyOf(page)) > 4 && latencyOf(page));
    await delay(4000);
    assert.ok((await latencyOf(page)) > behind - 0.5, 'who went back stays back');
    await page.keyboard.press('l');
    await atEdge(page);
    await page.context().close();
  });

  await step('plays one thing when two are chosen at once', async () => {
    const page = await openWatch(it, id);
    await openMenu(page);
    await gallery.look(page, 'watch-menu');
    await choice(page, 'DASH').click();
    await choice(page, 'HLS').click();
    await page.keyboard.press('Escape');
    await page.getByRole('button', { name: 'Details' }).click();
    await page.getByText('hls.js, HLS').waitFor();
    await watchElement(page, 'video');
    await assertMoves(page, { seconds: 5 });
    const asked = [];
    page.on('request', (request) => asked.push(new URL(request.url()).pathname.split('/').at(-1)));
    await delay(4000);
    assert.ok(asked.some((name) => name.startsWith('part-')), asked.join());
    assert.deepEqual(asked.filter((name) => name === 'manifest.mpd' || name.startsWith('chunk-')), [], 'nothing is loaded for a second player');
    await page.context().close();
  });

  await step('plays HLS where DASH does not come', async () => {
    const page = await openWatch(it, id, { plays: false });
    await page.route('**/manifest.mpd', (route) => route.abort());
    await page.reload();
    await playing(page);
    await page.getByRole('button', { name: 'Details' }).click();
    await page.getByText('hls.js, HLS').waitFor();
    await page.context().close();
  });

  await step('waits for the viewer where the browser plays nothing by itself', async () => {
    const page = await openWatch(it, id, {
      plays: false,
      before: () => {
        const { play } = HTMLMediaElement.prototype;
        let touched = false;
        addEventListener('pointerdown', () => (touched = true), { capture: true });
        HTMLMediaElement.prototype.play = function () {
          return touched ? play.call(this) : Promise.reject(new DOMException('no', 'NotAllowedError'));
        };
      },
    });
    const button = page.locator('.begin');
    await button.waitFor();
    await gallery.look(page, 'watch-blocked');
    await delay(12_000); // longer than a picture may stand still
    await button.click();
    await playing(page);
    await button.waitFor({ state: 'detached' });
    await until('it is near to live', async () => (await latencyOf(page)) < 2);
    await page.context().close();
  });

  await step('after the end replays what is left, as often as one likes', async () => {
    const pages = await Promise.all(['', 'latency=smooth', 'protocol=hls'].map((query) => openWatch(it, id, { query })));
    const { dash_url: mpd } = await data(server, 'POST', `/streams/${id}/end`).then(() => data(server, 'GET', `/streams/${id}`));
    const concluding = await (await fetch(mpd)).text();
    assert.match(concluding, /type="dynamic".*mediaPresentationDuration=/s);
    // All at once: what is left is there for a minute.
    await Promise.all(pages.map(async (page) => {
      const replay = page.getByRole('button', { name: 'Replay the end' });
      for (let turn = 0; turn < 2; turn++) {
        await replay.waitFor({ timeout: 20_000 }).catch(async (err) => {
          const shown = await page.evaluate(whatIsShown).catch((other) => other.message);
          throw new Error(`${page.url()} shows ${JSON.stringify(shown)}`, { cause: err });
        });
        // Those who are quick get an MPD that is still dynamic.
        if (turn === 0) await page.route('**/manifest.mpd', (route) => route.fulfill({ contentType: 'application/dash+xml', body: concluding }), { times: 1 });
        await replay.click();
        await playing(page);
        const started = await position(page);
        const end = await page.evaluate(() => document.querySelector('video').duration);
        assert.ok(end - started > 15, `${page.url()}: it begins ${end - started} s before the end`);
        await page.evaluate(() => (document.querySelector('video').currentTime = document.querySelector('video').duration - 1));
        await replay.waitFor({ timeout: 20_000 });
      }
      await page.context().close();
    }));
  });
});
