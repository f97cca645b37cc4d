// The published client of this API, unchanged, from another origin.

import assert from 'node:assert/strict';

import { evaluate, inPage, openPage } from './lib/browser.mjs';
import { assertPlays } from './lib/play.mjs';
import { small } from './lib/publish.mjs';
import { scene } from './lib/scene.mjs';

scene('@inlivedev/inlive-js-sdk publishes and ends a stream', {}, async (it) => {
  const { server, site, browser, step } = it;
  const page = await openPage(browser, `${site.origin}/sdk.html`);
  await inPage(page, 'the client is loaded', () => 'InliveStream' in window);

  await step('createStream', async () => {
    const stream = await evaluate(page, 'createStream', async ([apiKey, baseUrl]) => {
      window.app = InliveApp.init({ apiKey, api: { baseUrl } });
      window.stream = await InliveStream.createStream(app, { name: 'From the client' });
      window.events = [];
      for (const name of [Stream.STARTED, Stream.ENDED, Stream.ERROR, Stream.STATECHANGED]) {
        stream.on(name, (data) => events.push({ name, data }));
      }
      return { id: stream.id, state: stream.state, data: stream.data };
    }, [server.key, server.origin]);
    assert.equal(typeof stream.id, 'number');
    assert.equal(stream.state, 'new');
    assert.equal(stream.data.slug, 'from-the-client');
    assert.equal(stream.data.hlsUrl, '');
  });

  await step('prepare', async () => {
    const state = await evaluate(page, 'prepare', async () => {
      await stream.prepare();
      return stream.state;
    });
    assert.equal(state, 'ready');
  });

  await step('init with a camera resolves when connected', async () => {
    const state = await evaluate(page, 'init', async (camera) => {
      const media = await navigator.mediaDevices.getUserMedia({ video: { frameRate: 30, ...camera }, audio: true });
      await stream.init(media);
      return stream.state;
    }, small);
    assert.match(state, /connected|completed/);
  });

  await step('live gives manifests that play', async () => {
    const { manifests, data, state } = await evaluate(page, 'live', async () => {
      await stream.live();
      const { manifests, data, state } = stream;
      return { manifests, data, state };
    });
    assert.equal(state, 'live');
    assert.equal(manifests.dash, data.dashUrl);
    assert.equal(manifests.hls, data.hlsUrl);
    assert.equal(data.endedAt, null);
    assert.ok(Date.parse(data.startedAt) > 0, JSON.stringify(data));
    await inPage(page, 'streamStarted reached the client', () => events.some(({ name }) => name === 'streamStarted'));
    await assertPlays(it, 'shaka', manifests.dash);
  });

  await step('getStream and getStreams show it', async () => {
    const { one, all } = await page.evaluate(async () => ({
      one: (await InliveStream.getStream(app, stream.id)).data,
      all: await InliveStream.getStreams(app, { page: 1, pageSize: 5 }),
    }));
    assert.equal(one.name, 'From the client');
    assert.equal(all.code, 200);
    assert.deepEqual(all.meta, { page: 1, limit: 5, totalRecords: 1, totalPages: 1 });
    assert.deepEqual(all.data.map(({ id }) => id), [one.id]);
  });

  await step('end', async () => {
    const { state, data } = await evaluate(page, 'end', async () => {
      await stream.end();
      return { state: stream.state, data: stream.data };
    });
    assert.equal(state, 'ended');
    assert.ok(Date.parse(data.endedAt) >= Date.parse(data.startedAt));
    assert.notEqual(data.dashUrl, '', 'the addresses stay after the end');
    await inPage(page, 'streamEnded reached the client', () => events.some(({ name }) => name === 'streamEnded'));
    const errors = await page.evaluate(() => events.filter(({ name }) => name === 'streamError'));
    assert.deepEqual(errors, []);
  });
});
