// What our player makes of the latency that is asked for, by what the pixels say.
// How low it gets is measured by `make bench`; here a busy machine must not fail.

import assert from 'node:assert/strict';
import { setTimeout as delay } from 'node:timers/promises';

import { percentile } from '../bench/lib/figures.mjs';
import { firstPicture, openViewer, whatWasSeen } from '../bench/lib/viewers.mjs';
import { data, preparedStream } from './lib/api.mjs';
import { inPage } from './lib/browser.mjs';
import { until } from './lib/processes.mjs';
import { publishFromCommand } from './lib/publish.mjs';
import { scene } from './lib/scene.mjs';

const settling = 5000; // ms
const watching = 5000; // ms

/** The most of "lowest", and the least and most of "smooth", in ms, at the median. */
const lowest = 1500;
const smooth = { least: 1600, most: 5000 };

/** The picture of `sluice publish` carries the time it was taken at. */
const taken = (stamp) => stamp;

/** What the pixels say, and in `said` what the page says, at the median of the same time, in ms. */
async function latencyNow(page) {
  const from = await page.evaluate(() => Date.now());
  const readings = [];
  while ((await page.evaluate(() => Date.now())) < from + watching) {
    readings.push(await page.evaluate(() => 1000 * Number(document.querySelector('[data-testid=latency]').dataset.seconds)));
    await delay(500); // as often as the page says it anew
  }
  return { ...(await whatWasSeen(page, from, taken)), said: percentile(readings, 0.5) };
}

scene('latency', {}, async (it) => {
  const { server, browser, step } = it;
  const { id } = await preparedStream(server, 'Latency');
  publishFromCommand(it, id);
  await until('the stream is live', async () => (await data(server, 'GET', `/streams/${id}`)).status === 'live', { timeout: 20_000 });
  const open = async (query) => {
    const page = await openViewer(browser, `${server.origin}/watch/${id}?${query}`);
    await firstPicture(page);
    await delay(settling);
    return page;
  };

  for (const protocol of ['dash', 'hls']) {
    await step(`the lowest there is, by ${protocol.toUpperCase()}`, async (t) => {
      const page = await open(`protocol=${protocol}`);
      const seen = await latencyNow(page);
      t.diagnostic(JSON.stringify(seen));
      assert.ok(seen.p50 < lowest, `${seen.p50} ms behind`);
      assert.ok(seen.rateMost <= 1.25, `played at ${seen.rateMost}`);
      assert.ok(Math.abs(seen.said - seen.p50) < 250, `the page says ${seen.said} ms, the pixels ${seen.p50} ms`);
      await page.context().close();
    });

    await step(`smooth by address, by ${protocol.toUpperCase()}`, async (t) => {
      const page = await open(`protocol=${protocol}&latency=smooth`);
      const seen = await latencyNow(page);
      t.diagnostic(JSON.stringify(seen));
      assert.ok(seen.p50 > smooth.least && seen.p50 < smooth.most, `${seen.p50} ms behind`);
      await page.context().close();
    });
  }

  await step('smooth by the menu, and back', async (t) => {
    const page = await open('');
    for (const [choice, holds] of [['Smooth', (p50) => p50 > smooth.least], ['Lowest', (p50) => p50 < lowest]]) {
      await page.mouse.move(200, 300); // the controls come back
      await page.getByRole('button', { name: 'Settings' }).click();
      await page.locator('[data-menu] label', { hasText: choice }).click();
      await page.keyboard.press('Escape');
      await delay(settling);
      await inPage(page, `a picture with ${choice}`, (since) => window.seen.frames.at(-1)[0] > since, Date.now());
      const seen = await latencyNow(page);
      t.diagnostic(`${choice}: ${JSON.stringify(seen)}`);
      assert.ok(holds(seen.p50), `${choice}: ${seen.p50} ms behind`);
    }
  });
});
