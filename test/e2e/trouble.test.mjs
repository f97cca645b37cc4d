// The watch page where the network, a proxy or the browser is not as one would wish.

import assert from 'node:assert/strict';
import { setTimeout as delay } from 'node:timers/promises';

import { preparedStream } from './lib/api.mjs';
import { inPage, openPage } from './lib/browser.mjs';
import { Gallery } from './lib/gallery.mjs';
import { assertMoves, watchElement } from './lib/play.mjs';
import { until } from './lib/processes.mjs';
import { live, publishFromCommand } from './lib/publish.mjs';
import { scene } from './lib/scene.mjs';
import { startTlsProxy, startWire } from './lib/wire.mjs';

const gallery = new Gallery();

/** Opens a watch page; `before` is a script that runs before its own, with an argument. */
async function openWatch({ browser }, address, { before, argument, ...options } = {}) {
  const page = await openPage(browser, undefined, { viewport: { width: 1280, height: 800 }, ...options });
  if (before) await page.addInitScript(before, argument);
  await page.goto(address);
  return page;
}

async function plays(page, seconds = 3) {
  await watchElement(page, 'video');
  await assertMoves(page, { seconds });
}

/** Makes waits of a page's timers so many times shorter, from half a second on. */
function hurry(times) {
  const { setTimeout } = window;
  window.setTimeout = (act, ms, ...more) => setTimeout(act, ms >= 500 ? ms / times : ms, ...more);
}

/** What the page says its latency is, in seconds. */
const latency = (page) => page.evaluate(() => Number(document.querySelector('[data-testid=latency]').dataset.seconds));

scene('the watch page in trouble', {}, async (it) => {
  const { server, step } = it;
  const { id } = await preparedStream(server, 'In trouble');
  await live(it, id, publishFromCommand(it, id));

  for (const protocol of ['dash', 'hls']) {
    await step(`comes back by ${protocol.toUpperCase()} after the network was away for long`, async () => {
      const wire = await startWire(it);
      const page = await openWatch(it, `${wire.origin}/watch/${id}?protocol=${protocol}`, { before: hurry, argument: 8 });
      await plays(page);
      wire.cut();
      await page.getByText('The video does not come through').waitFor({ timeout: 60_000 });
      if (protocol === 'dash') await gallery.look(page, 'watch-away');
      await delay(15_000); // by its hurried clock two minutes: longer than tries follow soon upon each other
      wire.mend();
      await page.getByTestId('message').waitFor({ state: 'detached', timeout: 30_000 });
      await plays(page);
      await until('it is near to live', async () => (await latency(page)) < 3);
      await page.context().close();
    });
  }

  await step('comes back at once when the browser is online again', async () => {
    const page = await openWatch(it, `${server.origin}/watch/${id}`);
    await plays(page);
    await page.context().setOffline(true);
    await page.getByText('The video does not come through').waitFor({ timeout: 60_000 });
    await page.context().setOffline(false);
    await page.getByTestId('message').waitFor({ state: 'detached', timeout: 8000 });
    await plays(page);
    await page.context().close();
  });

  await step('plays behind a proxy that ends TLS, without a public URL', async () => {
    const { origin } = await startTlsProxy(it);
    for (const protocol of ['dash', 'hls']) {
      const page = await openWatch(it, `${origin}/watch/${id}?protocol=${protocol}`, { ignoreHTTPSErrors: true });
      await plays(page);
      await page.context().close();
    }
    assert.equal(server.log.split('SLUICE_PUBLIC_URL').length, 2, 'the log says once what to set');
  });

  await step('says the right latency when the browser records no more requests', async () => {
    const page = await openWatch(it, `${server.origin}/watch/${id}?protocol=hls`, {
      before: () => {
        const { setInterval } = window;
        window.setInterval = (act, ms) => setInterval(act, ms === 300_000 ? 3000 : ms); // the clock is looked at often
      },
    });
    await plays(page);
    await delay(20_000); // 250 requests and more
    const shown = await inPage(page, 'a picture', () => document.querySelector('video').readyState >= 2).then(() => latency(page));
    assert.ok(shown > 0 && shown < 3, `${shown} s`);
    await page.context().close();
  });

  /** A browser that says it plays HLS without help, as Apple's do. */
  const apple = (what) => {
    Object.defineProperty(navigator, 'vendor', { value: 'Apple Computer, Inc.' });
    const { prototype } = HTMLMediaElement;
    const { get, set } = Object.getOwnPropertyDescriptor(prototype, 'src');
    Object.defineProperty(prototype, 'src', {
      get,
      set(url) {
        if (!url.includes('.m3u8')) return set.call(this, url);
        window.native = (window.native ?? 0) + 1;
        if (what === 'ends') {
          setTimeout(() => this.dispatchEvent(new Event('loadedmetadata')), 200);
          Object.defineProperty(this, 'ended', { configurable: true, get: () => true });
          const { removeAttribute } = this;
          this.removeAttribute = function (name) {
            if (name === 'src') delete this.ended;
            removeAttribute.call(this, name);
          };
        }
      },
    });
  };

  for (const what of ['loads nothing', 'ends']) {
    await step(`plays otherwise where HLS by the browser itself ${what}`, async () => {
      const page = await openWatch(it, `${server.origin}/watch/${id}?protocol=hls`, { before: apple, argument: what });
      await page.getByTestId('badge').first().waitFor();
      const begun = Date.now();
      await inPage(page, 'it plays', () => document.querySelector('video').currentTime > 0, undefined, 20_000);
      assert.ok(Date.now() - begun < 14_000, `after ${Date.now() - begun} ms`);
      await plays(page);
      assert.equal(await page.evaluate(() => window.native), 1);
      await page.getByRole('button', { name: 'Details' }).click();
      await page.getByText('hls.js, HLS').waitFor();
      await page.context().close();
    });
  }

  await step('says in a sentence that nothing comes, and goes on trying', async () => {
    const page = await openWatch(it, 'about:blank');
    await page.route(/\.(mpd|m3u8)/, (route) => route.abort());
    await page.goto(`${server.origin}/watch/${id}`);
    await page.getByText('The video does not come through').waitFor({ timeout: 40_000 });
    await page.unroute(/\.(mpd|m3u8)/);
    await page.getByTestId('message').waitFor({ state: 'detached', timeout: 40_000 });
    await plays(page);
    await page.context().close();
  });
});
