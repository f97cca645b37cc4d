// The pages in browsers that lack functions newer than the oldest that are
// supported, or that are older still.

import assert from 'node:assert/strict';

import { data, preparedStream } from './lib/api.mjs';
import { openPage } from './lib/browser.mjs';
import { driveFirefox } from './lib/firefox.mjs';
import { Gallery } from './lib/gallery.mjs';
import { assertMoves, watchElement } from './lib/play.mjs';
import { until } from './lib/processes.mjs';
import { live, publishFromCommand } from './lib/publish.mjs';
import { scene } from './lib/scene.mjs';

const gallery = new Gallery();

/** Takes away what came after the oldest browsers that web/targets.js names. */
function withoutNewFunctions() {
  delete AbortSignal.any;
  for (const name of ['withResolvers', 'try']) delete Promise[name];
  for (const name of ['toSorted', 'toReversed', 'toSpliced', 'with']) delete Array.prototype[name];
  delete Array.fromAsync;
  for (const name of ['groupBy']) {
    delete Object[name];
    delete Map[name];
  }
  for (const name of ['isWellFormed', 'toWellFormed']) delete String.prototype[name];
  for (const name of ['union', 'intersection', 'difference', 'isSubsetOf']) delete Set.prototype[name];
  for (const name of ['canParse', 'parse']) delete URL[name];
  for (const name of ['toBase64', 'toHex']) delete Uint8Array.prototype[name];
  for (const name of ['startViewTransition', 'moveBefore']) delete Document.prototype[name];
  delete window.Iterator;
  delete window.documentPictureInPicture;
  delete window.ManagedMediaSource;
  delete window.scheduler;
}

async function plays(page, seconds = 4) {
  await watchElement(page, 'video');
  await assertMoves(page, { seconds });
}

scene('browsers that are old', {}, async (it) => {
  const { server, browser, step } = it;
  const { id } = await preparedStream(server, 'In old browsers');
  await live(it, id, publishFromCommand(it, id));

  for (const protocol of ['dash', 'hls']) {
    await step(`watch by ${protocol.toUpperCase()} without new functions`, async () => {
      const page = await openPage(browser);
      await page.addInitScript(withoutNewFunctions);
      await page.goto(`${server.origin}/watch/${id}?protocol=${protocol}`);
      await plays(page);
      assert.deepEqual(page.said.filter((line) => line.startsWith('uncaught')), []);
      await page.context().close();
    });
  }

  await step('publish without new functions', async () => {
    const page = await openPage(browser);
    await page.addInitScript(withoutNewFunctions);
    await page.goto(server.origin);
    await page.getByLabel('Application key').fill(server.key);
    await page.getByRole('button', { name: 'Open studio' }).click();
    await page.getByRole('radio', { name: '360p' }).check();
    await page.getByRole('button', { name: 'Go live', disabled: false }).click();
    await page.locator('[data-testid=broadcast-state][data-phase=live]').waitFor({ timeout: 20_000 });
    assert.deepEqual(page.said.filter((line) => line.startsWith('uncaught')), []);
    await page.context().close();
  });

  await step('are told so when they are too old', async () => {
    const page = await openPage(browser);
    await page.addInitScript(() => delete AbortSignal.timeout);
    await page.route('**/assets/*.js', (route) => route.abort()); // what they cannot read they do not run
    for (const at of ['/', `/watch/${id}`, '/docs']) {
      await page.goto(server.origin + at);
      await page.getByText('This browser is too old for this page').waitFor();
    }
    await gallery.look(page, 'too-old');
    await page.context().close();
  });
});

scene('Firefox in the studio', { browser: false }, async (it) => {
  const { server, step } = it;
  const firefox = await driveFirefox(it, server.origin);
  await firefox.run(`
    const { RTCPeerConnection } = window;
    window.peers = [];
    window.RTCPeerConnection = class extends RTCPeerConnection {
      constructor(...args) {
        super(...args);
        window.peers.push(this);
      }
    };
    window.sent = async () => [...(await window.peers.at(-1).getStats()).values()].find(({ type, kind }) => type === 'outbound-rtp' && kind === 'video');`);
  await firefox.fill('input[type=password]', server.key);
  await firefox.click('form .button.primary');
  await firefox.run(`document.querySelector('input[type=radio][value="720"]').click()`); // which is drawn by its label
  await firefox.click('button.act:not([disabled])');
  await until('it is live', async () => (await data(server, 'GET', '/streams')).some(({ status }) => status === 'live'), { timeout: 30_000 });

  // Firefox begins at 300 kb/s, and would rather send a small frame than a poor one.
  await step('sends the full size from the start', async (t) => {
    const from = Date.now();
    const { frameHeight } = await until('all 720 lines', async () => {
      const sent = await firefox.run('return window.sent()');
      return sent?.frameHeight >= 720 && sent;
    }, { timeout: 6000 });
    t.diagnostic(`${frameHeight} lines ${Date.now() - from} ms after the broadcast was live`);
  });
});
