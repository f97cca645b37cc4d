// A canvas that changes every five seconds, as slides do, sends nothing between.

import assert from 'node:assert/strict';
import { setTimeout as delay } from 'node:timers/promises';

import { preparedStream } from './lib/api.mjs';
import { openPage } from './lib/browser.mjs';
import { Follower, renditions, run } from './lib/media.mjs';
import { scene } from './lib/scene.mjs';

/** The mean brightness of each frame of what is in the window, and its time. */
async function brightness(hls) {
  const video = (await renditions(hls)).find(({ kind }) => kind === 'video');
  const follower = new Follower(video);
  await follower.take();
  const { stdout } = await run('ffmpeg', [
    '-v', 'error', '-copyts', '-i', 'pipe:0', '-vf', 'signalstats,metadata=print:key=lavfi.signalstats.YAVG:file=-', '-f', 'null', '-',
  ], follower.file);
  return [...stdout.matchAll(/pts_time:([\d.]+)\s+lavfi\.signalstats\.YAVG=([\d.]+)/g)].map(([, time, luma]) => ({ time: Number(time), luma: Number(luma) }));
}

scene('slides stand until the next one', {}, async ({ server, site, browser, step, note }) => {
  const { id } = await preparedStream(server, 'Slides');
  const page = await openPage(browser, `${site.origin}/publish.html`);
  const { hls } = await page.evaluate(async ([to, stream]) => {
    const canvas = document.createElement('canvas');
    Object.assign(canvas, { width: 640, height: 360 });
    const draw = canvas.getContext('2d');
    let slide = 0;
    const next = () => {
      draw.fillStyle = ['#ffffff', '#a0a0a0'][slide++ % 2];
      draw.fillRect(0, 0, 640, 360);
    };
    next();
    setInterval(next, 5000);
    return window.publishMedia(to, stream, canvas.captureStream());
  }, [{ origin: server.origin, key: server.key }, id]);

  await step('no frame is the slate, and each slide is seen', async () => {
    await delay(24_000);
    const frames = await brightness(hls);
    const dark = frames.filter(({ luma }) => luma < 80);
    note(`${frames.length} frames, ${dark.length} of them dark`);
    assert.ok(frames.length > 500, `${frames.length} frames`);
    assert.equal(dark.length, 0, `the slate at ${dark.slice(0, 3).map(({ time }) => time)}`);
    const changes = frames.filter(({ luma }, i) => i > 0 && Math.abs(luma - frames[i - 1].luma) > 40);
    assert.ok(changes.length >= 3, `${changes.length} slides`);
    for (let i = 1; i < changes.length; i++) assert.ok(Math.abs(changes[i].time - changes[i - 1].time - 5) < 0.5, `slides at ${changes.map(({ time }) => time)}`);
  });
});
