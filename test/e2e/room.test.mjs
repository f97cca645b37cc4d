// The watch page in a browser with little room for media.

import assert from 'node:assert/strict';
import { setTimeout as delay } from 'node:timers/promises';

import { preparedStream } from './lib/api.mjs';
import { inPage, openPage } from './lib/browser.mjs';
import { assertMoves, watchElement } from './lib/play.mjs';
import { live, publishFromClip } from './lib/publish.mjs';
import { scene } from './lib/scene.mjs';

async function plays(page, seconds = 4) {
  await watchElement(page, 'video');
  await assertMoves(page, { seconds });
}

// A megabyte of 360p is ten seconds: what was played has to make room for what comes.
scene('a browser with little room for media', { browser: ['--mse-video-buffer-size-limit-mb=1', '--mse-audio-buffer-size-limit-mb=1'] }, async (it) => {
  const { server, browser, step } = it;
  const { id } = await preparedStream(server, 'Little room');
  await live(it, id, await publishFromClip(it, id));

  for (const protocol of ['hls', 'dash']) {
    await step(`plays on after a pause, by ${protocol.toUpperCase()}`, async (t) => {
      const page = await openPage(browser);
      await page.addInitScript(() => {
        const { appendBuffer } = SourceBuffer.prototype;
        window.full = 0;
        SourceBuffer.prototype.appendBuffer = function (bytes) {
          try {
            return appendBuffer.call(this, bytes);
          } catch (err) {
            if (err.name === 'QuotaExceededError') window.full++;
            throw err;
          }
        };
      });
      await page.goto(`${server.origin}/watch/${id}?protocol=${protocol}`);
      await plays(page);
      await delay(12_000);
      await page.evaluate(() => document.querySelector('video').pause());
      await delay(30_000);
      await page.keyboard.press('l'); // to live
      await page.evaluate(() => document.querySelector('video').play());
      const from = await page.evaluate(() => document.querySelector('video').currentTime);
      await inPage(page, 'it plays on', (at) => document.querySelector('video').currentTime > at + 6, from, 20_000);
      const before = await page.evaluate(() => window.full);
      await delay(10_000);
      const full = await page.evaluate(() => window.full);
      t.diagnostic(`full ${before} times up to then, ${full - before} times in the ten seconds after`);
      assert.ok(full - before < 20, `${full - before} times full in ten seconds`);
      await inPage(page, 'it still plays', (at) => document.querySelector('video').currentTime > at + 12, from, 5000);
      await page.context().close();
    });
  }
});
