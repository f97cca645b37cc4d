// By hand: how long /start takes after the connection stands, and whether a
// player that loads the manifest at that instant plays. Twenty tries.
//
//   make test-start
//
// Each try is a new stream, a new page and a new player; DASH and HLS in turn.

import assert from 'node:assert/strict';

import { data, preparedStream } from './lib/api.mjs';
import { openPage } from './lib/browser.mjs';
import { assertMoves } from './lib/play.mjs';
import { publishFromPage } from './lib/publish.mjs';
import { scene } from './lib/scene.mjs';

const tries = Number(process.env.TRIES ?? 20);
const took = [];

scene(`${tries} starts`, {}, async (it) => {
  const { server, site, browser, step, note } = it;
  for (let n = 1; n <= tries; n++) {
    const [engine, format] = n % 2 ? ['shaka', 'dash'] : ['hls', 'hls'];
    await step(`${n}: ${format}`, async (t) => {
      const { id } = await preparedStream(server, `Start ${n}`);
      // The player's page is open before, so that loading its script costs no time.
      const viewer = await openPage(browser, `${site.origin}/player.html`);
      const publisher = await publishFromPage(it, id);
      took.push(publisher.startTook);
      try {
        const loaded = performance.now();
        await viewer.evaluate(([which, url]) => window.play(which, url), [engine, publisher[format]]);
        const seen = await assertMoves(viewer, { seconds: 3 });
        t.diagnostic(`start answered ${publisher.startTook.toFixed(0)} ms after connected; ${seen.frames} frames in ${(performance.now() - loaded).toFixed(0)} ms`);
        assert.ok(publisher.startTook < 3000, `start took ${publisher.startTook} ms`);
      } finally {
        await viewer.context().close();
        await publisher.page.context().close();
        await data(server, 'POST', `/streams/${id}/end`);
      }
    });
  }
  took.sort((a, b) => a - b);
  note(`start after connected, ms: least ${took[0]?.toFixed(0)}, median ${took[took.length >> 1]?.toFixed(0)}, most ${took.at(-1)?.toFixed(0)}, ${took.length} of ${tries} tries`);
});
