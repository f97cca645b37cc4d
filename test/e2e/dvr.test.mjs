// Going back further than the server's memory does.

import assert from 'node:assert/strict';
import { readdir } from 'node:fs/promises';
import { join } from 'node:path';

import { data, preparedStream } from './lib/api.mjs';
import { evaluate, inPage, openPage } from './lib/browser.mjs';
import { assertDecodes, Follower, renditions } from './lib/media.mjs';
import { assertMoves } from './lib/play.mjs';
import { until } from './lib/processes.mjs';
import { publishFromCommand } from './lib/publish.mjs';
import { scene } from './lib/scene.mjs';

/** What memory holds of a stream: its window of a minute, and some more. */
const inMemory = 72;

scene('a window of three minutes', { env: { SLUICE_DVR: '3m' } }, async (it) => {
  const { server, step } = it;
  const { id } = await preparedStream(server, 'Far back');
  publishFromCommand(it, id);
  const live = await until('the stream is live', async () => {
    const stream = await data(server, 'GET', `/streams/${id}`);
    return stream.status === 'live' && stream;
  }, { timeout: 20_000 });
  const [picture] = await renditions(live.hls_url);

  await step('the playlist grows past what memory holds', async () => {
    const segments = inMemory / 2 + 6;
    const follower = new Follower(picture);
    await until(`${segments} segments`, async () => {
      await follower.take();
      return follower.segments.length >= segments;
    }, { timeout: segments * 2000 + 20_000, every: 2000 });
    await assertDecodes({ ...follower, segments: follower.segments.slice(0, 4) });
  });

  for (const [engine, url] of [['shaka', live.dash_url], ['hls', live.hls_url]]) {
    await step(`${engine} seeks to what is on disk, and plays it`, async (t) => {
      const page = await openPage(it.browser, `${it.site.origin}/player.html`);
      await evaluate(page, `${engine} loads`, ([which, manifest]) => window.play(which, manifest), [engine, url]);
      await assertMoves(page, { seconds: 1 });
      const back = await page.evaluate(() => {
        const video = document.querySelector('video');
        const { seekable } = video;
        const [start, end] = [seekable.start(0), seekable.end(seekable.length - 1)];
        video.currentTime = start + 3;
        return end - video.currentTime;
      });
      t.diagnostic(`${back.toFixed(1)} s behind the live edge`);
      assert.ok(back > inMemory, `only ${back} s behind the live edge`);
      await inPage(page, 'it goes on from there', () => {
        const video = document.querySelector('video');
        window.from ??= video.currentTime;
        return video.currentTime > window.from + 3;
      });
      await page.context().close();
    });
  }

  await step('after the end, all of it is there until the window is over', async () => {
    await data(server, 'POST', `/streams/${id}/end`);
    const [ended] = await renditions(live.hls_url);
    const follower = new Follower(ended);
    await follower.take();
    await assertDecodes({ ...follower, segments: [...follower.segments.slice(0, 2), ...follower.segments.slice(-2)] });
    const files = await readdir(join(server.options.data, 'dvr', String(id)));
    assert.ok(files.length >= follower.segments.length, `${files.length} files on disk`);
  });
});
