// The founding document: a reader copies its code, presses two buttons, and is live.

import assert from 'node:assert/strict';
import { readFile } from 'node:fs/promises';
import test from 'node:test';

import { inPage, openPage } from './lib/browser.mjs';
import { assertMoves, watchElement } from './lib/play.mjs';
import { scene } from './lib/scene.mjs';
import { blocks, streamerPage, viewerPage } from './lib/tutorial.mjs';

const document = await readFile(new URL('testdata/tutorial-with-webrtc.md', import.meta.url), 'utf8');

test('the document has the code that is expected of it', () => {
  assert.equal(blocks(document, 'html').length, 2);
  const script = blocks(document, 'js').join('\n');
  for (const name of ['apiRequest', 'createStream', 'startStream', 'prepareStream', 'getEventKey', 'subscribeEvents', 'sendIceCandidate', 'initStream', 'startStreaming', 'getStream']) {
    assert.match(script, new RegExp(`async function ${name}\\(`));
  }
  assert.doesNotThrow(() => new Function(script));
});

scene('the tutorial runs from its first button to a moving picture', {}, async ({ server, site, browser, step, note }) => {
  let manifest;

  await step('two buttons, from another origin, and streaming has started', async () => {
    const page = await openPage(browser, site.put('/streamer.html', streamerPage(document, server)));
    await page.getByRole('button', { name: 'Create Stream' }).click();
    await inPage(page, 'the stream is created', () => typeof streamId === 'number');
    await page.getByRole('button', { name: 'Start Stream' }).click();
    const deadline = Date.now() + 20_000;
    while (!page.said.includes('log: streaming started')) {
      assert.ok(Date.now() < deadline, `no "streaming started"; the page said:\n${page.said.join('\n')}`);
      await page.waitForTimeout(50);
    }
    const { data } = await page.evaluate(() => getStream('my-first-stream', options));
    note(`stream ${data.id}: ${data.dash_url}`);
    assert.equal(data.end_time, null);
    assert.match(data.hls_url, new RegExp(`/${data.id}/master\\.m3u8$`));
    assert.match(data.dash_url, new RegExp(`/${data.id}/manifest\\.mpd$`));
    manifest = data.dash_url;
  });

  await step('the viewer page of the document plays', async () => {
    const shaka = '/npm/shaka-player/dist/shaka-player.compiled.js';
    const page = await openPage(browser, site.put('/viewer.html', viewerPage(document, { shaka, manifest })));
    await watchElement(page, '#video');
    await assertMoves(page);
  });

  await step('pressed again, the same slug makes another stream', async () => {
    const page = await openPage(browser, site.put('/again.html', streamerPage(document, server)));
    await page.getByRole('button', { name: 'Create Stream' }).click();
    await inPage(page, 'the stream is created', () => typeof streamId === 'number');
  });
});
