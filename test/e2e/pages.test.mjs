// The studio and the watch page, used as people use them, and looked at in
// every state. Pictures go to test/screenshots/index.html.

import assert from 'node:assert/strict';
import { mkdtemp, rm, writeFile } from 'node:fs/promises';
import { tmpdir } from 'node:os';
import path from 'node:path';

import { data } from './lib/api.mjs';
import { openPage } from './lib/browser.mjs';
import { Gallery } from './lib/gallery.mjs';
import { assertMoves, watchElement } from './lib/play.mjs';
import { until } from './lib/processes.mjs';
import { publishFromPage } from './lib/publish.mjs';
import { scene } from './lib/scene.mjs';

const gallery = new Gallery();

/** Waits until an element shows a text, and says what it showed instead. */
async function shows(page, testId, text, timeout = 20_000) {
  await until(`${testId} shows ${text}`, async () => {
    const shown = await page.getByTestId(testId).first().innerText({ timeout: 1000 });
    return text.test(shown) || assert.fail(shown);
  }, { timeout });
}

/** Opens the studio with the key already entered. */
async function openStudio({ server, browser }, { before } = {}) {
  const page = await openPage(browser);
  if (before) await page.addInitScript(before);
  await page.goto(server.origin);
  await page.getByLabel('Application key').fill(server.key);
  await page.getByRole('button', { name: 'Open studio' }).click();
  return page;
}

scene('the studio', {}, async (it) => {
  const { server, browser, step } = it;
  let studio;
  let link;

  await step('asks for a key and says when it is wrong', async () => {
    const page = await openPage(browser, server.origin);
    await page.getByRole('button', { name: 'Open studio' }).waitFor();
    await gallery.look(page, 'studio-key');
    await page.getByLabel('Application key').fill('sluice_wrong_wrongwrongwrongwrong');
    await page.getByRole('button', { name: 'Open studio' }).click();
    await page.getByText('does not know that key').waitFor();
    await gallery.look(page, 'studio-key-wrong');
    await page.context().close();
  });

  for (const [state, error] of [['refused', 'NotAllowedError'], ['missing', 'NotFoundError'], ['busy', 'NotReadableError']]) {
    await step(`says in words that the camera is ${state}`, async () => {
      const page = await openStudio(it, {
        before: `navigator.mediaDevices.getUserMedia = () => Promise.reject(new DOMException('no', '${error}'))`,
      });
      await page.getByRole('alert').filter({ hasText: /camera/i }).first().waitFor();
      assert.equal(await page.getByRole('button', { name: 'Go live' }).isEnabled(), false);
      await gallery.look(page, `studio-camera-${state}`);
      await page.context().close();
    });
  }

  await step('shows the camera before anybody else sees it', async () => {
    studio = await openStudio(it);
    await studio.getByRole('button', { name: 'Go live', disabled: false }).waitFor();
    await watchElement(studio, 'video');
    await assertMoves(studio, { seconds: 1 });
    await gallery.look(studio, 'studio-setup');
  });

  await step('goes live with one button and gives a link', async () => {
    await studio.getByLabel('Name').fill('From the studio');
    await studio.getByRole('radio', { name: '360p' }).check();
    await studio.getByRole('button', { name: 'Go live' }).click();
    await shows(studio, 'broadcast-state', /LIVE/);
    link = await studio.getByTestId('watch-link').inputValue();
    assert.match(link, new RegExp(`^${server.origin}/watch/`));
    await gallery.look(studio, 'studio-live');
  });

  await step('the link plays', async () => {
    const watch = await openPage(browser, link);
    await watchElement(watch, 'video');
    await assertMoves(watch);
    await shows(watch, 'badge', /LIVE/);
    await gallery.look(watch, 'watch-live');
    await watch.context().close();
  });

  await step('a reload goes on with the same stream by itself', async () => {
    const [{ start_time: started }] = await data(server, 'GET', '/streams');
    await studio.reload();
    await shows(studio, 'broadcast-state', /LIVE/);
    const watch = await openPage(browser, link);
    await watchElement(watch, 'video');
    await assertMoves(watch);
    await watch.context().close();
    const streams = await data(server, 'GET', '/streams');
    assert.equal(streams.length, 1);
    assert.equal(streams[0].start_time, started);
  });

  await step('reconnects by itself when the server was away', async () => {
    process.kill(server.pid, 'SIGSTOP');
    try {
      await shows(studio, 'broadcast-state', /Reconnecting/i, 40_000);
      await gallery.look(studio, 'studio-reconnecting');
    } finally {
      process.kill(server.pid, 'SIGCONT');
    }
    await shows(studio, 'broadcast-state', /LIVE/, 40_000);
  });

  await step('stops after asking once', async () => {
    await studio.getByRole('button', { name: 'Stop', exact: true }).click();
    await studio.getByRole('button', { name: 'Stop now' }).waitFor();
    await gallery.look(studio, 'studio-stop');
    await studio.getByRole('button', { name: 'Stop now' }).click();
    await shows(studio, 'after', /has ended/);
    await gallery.look(studio, 'studio-after');
    const [stream] = await data(server, 'GET', '/streams');
    assert.equal(stream.status, 'ended');
  });
});

// Long enough to look at the page while the publisher is away.
scene('the watch page follows its stream by itself', { env: { SLUICE_RECONNECT_WINDOW: '25s' } }, async (it) => {
  const { server, browser, step } = it;
  const { id } = await data(server, 'POST', '/streams/create', { body: { name: 'A stream to wait for', quality: '360' } });
  const watch = await openPage(browser, `${server.origin}/watch/${id}`);
  let publisher;

  await step('waiting', async () => {
    await shows(watch, 'message', /Starts soon/);
    await gallery.look(watch, 'watch-created');
  });

  await step('starting', async () => {
    await data(server, 'POST', `/streams/${id}/prepare`);
    await shows(watch, 'message', /Starts in a moment/);
    await gallery.look(watch, 'watch-prepared');
  });

  await step('live', async () => {
    publisher = await publishFromPage(it, id);
    await shows(watch, 'badge', /LIVE/);
    await watchElement(watch, 'video');
    await assertMoves(watch);
  });

  await step('reconnecting, when the publisher is gone', async () => {
    await publisher.page.context().close();
    await shows(watch, 'message', /is reconnecting/, 25_000);
    await gallery.look(watch, 'watch-reconnecting');
  });

  await step('ended, when it does not come back', async () => {
    await shows(watch, 'message', /has ended/, 40_000);
    await gallery.look(watch, 'watch-ended');
    const stream = await data(server, 'GET', `/streams/${id}`);
    assert.equal(stream.status, 'ended');
    assert.notEqual(stream.billing_end, null);
  });
});

// An encoder that can be found, and asked what it can do, but never encodes.
async function brokenEncoder(it) {
  const folder = await mkdtemp(path.join(tmpdir(), 'sluice-e2e-'));
  it.after(() => rm(folder, { recursive: true }));
  const file = path.join(folder, 'ffmpeg');
  await writeFile(file, '#!/bin/sh\ncase "$*" in *matroska*pipe:0*) echo "no encoder today" >&2; exit 1;; esac\nexec ffmpeg "$@"\n', { mode: 0o755 });
  return { SLUICE_FFMPEG: file };
}

scene('an encoder that fails is said in words', { env: brokenEncoder }, async (it) => {
  const { server, step } = it;
  const studio = await openStudio(it);
  await studio.getByRole('radio', { name: '360p' }).check();
  await studio.getByRole('button', { name: 'Go live' }).click();
  const [{ id }] = await until('the stream is made', async () => {
    const streams = await data(server, 'GET', '/streams');
    return streams.length > 0 && streams;
  });
  const watch = await openPage(it.browser, `${server.origin}/watch/${id}`);

  await step('on the watch page', async () => {
    await until('the stream has failed', async () => (await data(server, 'GET', `/streams/${id}`)).status === 'error', { timeout: 60_000 });
    await shows(watch, 'message', /encoder/i);
    await gallery.look(watch, 'watch-error');
  });

  await step('and in the studio', async () => {
    await until('the studio says so', async () => {
      const said = await studio.locator('main').innerText();
      return /encoder/i.test(said) || assert.fail(said);
    }, { timeout: 20_000 });
    await gallery.look(studio, 'studio-error');
  });
});

scene('pages that have nothing to play say so', {}, async (it) => {
  const { server, browser, step } = it;

  await step('no such stream', async () => {
    const page = await openPage(browser, `${server.origin}/watch/no-such-stream`);
    await shows(page, 'message', /There is no such stream/);
    await gallery.look(page, 'watch-unknown');
    await page.context().close();
  });

  await step('the API reference opens without the internet', async () => {
    const page = await openPage(browser, `${server.origin}/docs`);
    await page.getByText('/streams/create').first().waitFor();
    await gallery.look(page, 'docs');
    const outside = page.said.filter((line) => line.startsWith('failed:') || /https?:\/\/(?!127\.0\.0\.1)/.test(line));
    assert.deepEqual(outside, []);
    await page.context().close();
  });
});
