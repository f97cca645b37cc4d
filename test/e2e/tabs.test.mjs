// Several tabs of one browser, and what they share: six connections to a host by
// HTTP/1.1, and what a tab stored.

import assert from 'node:assert/strict';
import { setTimeout as delay } from 'node:timers/promises';

import { data, preparedStream } from './lib/api.mjs';
import { evaluate, inPage, openPage } from './lib/browser.mjs';
import { Gallery } from './lib/gallery.mjs';
import { assertMoves, watchElement } from './lib/play.mjs';
import { until } from './lib/processes.mjs';
import { live, publishFromClip } from './lib/publish.mjs';
import { scene } from './lib/scene.mjs';

const gallery = new Gallery();

/** Opens another tab in the browser of a page. */
async function tab(first, url) {
  const page = await first.context().newPage();
  page.said = [];
  page.on('console', (message) => page.said.push(`${message.type()}: ${message.text()}`));
  page.on('requestfailed', (request) => page.said.push(`failed: ${request.method()} ${request.url()} ${request.failure()?.errorText}`));
  await page.goto(url);
  return page;
}

async function openStudio({ server, browser }) {
  const page = await openPage(browser, server.origin);
  await page.getByLabel('Application key').fill(server.key);
  await page.getByRole('button', { name: 'Open studio' }).click();
  return page;
}

/** Waits until the studio says where its broadcast is. */
const phase = (page, name, timeout = 20_000) => page.locator(`[data-testid=broadcast-state][data-phase=${name}]`).waitFor({ timeout });

scene('tabs of one browser, by HTTP/1.1', {}, async (it) => {
  const { server, step } = it;
  const { id } = await preparedStream(server, 'In several tabs');
  await live(it, id, await publishFromClip(it, id));
  const studio = await openStudio(it);
  await studio.getByRole('radio', { name: '360p' }).check();
  await studio.getByRole('button', { name: 'Go live', disabled: false }).click();
  await phase(studio, 'live');

  for (const protocol of ['hls', 'dash']) {
    await step(`three watch by ${protocol.toUpperCase()} while a studio is live`, async (t) => {
      const pages = [];
      for (let n = 1; n <= 3; n++) {
        const page = await tab(studio, `${server.origin}/watch/${id}?protocol=${protocol}`);
        pages.push(page);
        await watchElement(page, 'video');
        await assertMoves(page, { seconds: 3 });
      }
      await delay(8000); // reserves find their size
      const watched = 15;
      const read = (page) => page.evaluate(() => ({ at: document.querySelector('video').currentTime, late: Number(document.querySelector('[data-testid=latency]').dataset.seconds) }));
      const before = await Promise.all(pages.map(read));
      await delay(watched * 1000);
      const after = await Promise.all(pages.map(read));
      for (const [n, { at, late }] of after.entries()) {
        const played = at - before[n].at;
        t.diagnostic(`tab ${n + 1} played ${played.toFixed(1)} s of ${watched} s, ${late} s behind`);
        assert.ok(played > 0.8 * watched, `tab ${n + 1} played ${played} s of ${watched} s:\n${pages[n].said.slice(-20).join('\n')}`);
        assert.ok(late < 12, `tab ${n + 1} is ${late} s behind`);
      }
      for (const page of pages) await page.close();
    });
  }

  await step('the studio has gone on meanwhile', () => phase(studio, 'live', 1000));
});

scene('a studio that is live in one tab', {}, async (it) => {
  const { server, browser, step } = it;
  const context = await browser.newContext();
  await context.addInitScript(() => {
    const { request } = WakeLock.prototype;
    window.locks = [];
    WakeLock.prototype.request = async function (kind) {
      const lock = await request.call(this, kind);
      window.locks.push(lock);
      return lock;
    };
  });
  const first = await context.newPage();
  first.said = [];
  await first.goto(server.origin);
  await first.getByLabel('Application key').fill(server.key);
  await first.getByRole('button', { name: 'Open studio' }).click();
  await first.getByRole('radio', { name: '360p' }).check();
  await first.getByRole('button', { name: 'Go live', disabled: false }).click();
  await phase(first, 'live');
  let second;

  await step('keeps the device awake', async () => {
    await inPage(first, 'a lock', () => window.locks.some((lock) => !lock.released));
    await evaluate(first, 'the browser takes the lock back', () => window.locks.at(-1).release());
    await evaluate(first, 'the page is seen again', () => document.dispatchEvent(new Event('visibilitychange')));
    await inPage(first, 'another lock', () => window.locks.length > 1 && window.locks.some((lock) => !lock.released));
  });

  await step('keeps its key for the tab only', async () => {
    assert.equal(await first.evaluate(() => localStorage.getItem('sluice.key')), null);
    assert.equal(await first.evaluate(() => sessionStorage.getItem('sluice.key')), server.key);
  });

  await step('is asked for before a copy of the tab takes over', async () => {
    const opened = context.waitForEvent('page');
    await first.evaluate(() => void window.open(location.href)); // has what the tab stored, as a duplicate does
    second = await opened;
    second.said = [];
    await second.getByTestId('elsewhere').waitFor({ timeout: 15_000 });
    await gallery.look(second, 'studio-elsewhere');
    const [{ id }] = await data(server, 'GET', '/streams');
    await delay(6000); // longer than it takes to replace a session, and to come back
    await phase(first, 'live', 1000);
    assert.equal((await data(server, 'GET', `/streams/${id}`)).status, 'live');
  });

  await step('goes on in the copy when that is wished for, and is left alone in the first', async () => {
    await second.getByRole('button', { name: 'Take over here' }).click();
    await phase(second, 'live');
    await first.getByTestId('elsewhere').waitFor();
    await delay(6000);
    await phase(second, 'live', 1000);
    await inPage(first, 'the first tab lets the device sleep', () => window.locks.every((lock) => lock.released));
  });

  await step('goes on after a reload without a question', async () => {
    await second.reload();
    await phase(second, 'live');
  });

  await step('can be left to the other tab', async () => {
    await first.getByRole('button', { name: 'Leave it there' }).click();
    await first.getByRole('button', { name: 'Go live' }).waitFor();
    await until('one stream', async () => (await data(server, 'GET', '/streams')).length === 1);
  });
});

scene('a key that is to be remembered', {}, async (it) => {
  const { server, browser, step } = it;
  const page = await openPage(browser, server.origin);

  await step('stays in the browser where that is ticked', async () => {
    await page.getByLabel('Application key').fill(server.key);
    await page.getByRole('checkbox', { name: 'Remember on this device' }).check();
    await gallery.look(page, 'studio-key-remember');
    await page.getByRole('button', { name: 'Open studio' }).click();
    await page.getByRole('button', { name: 'Forget key' }).waitFor();
    const other = await tab(page, server.origin);
    await other.getByRole('button', { name: 'Forget key' }).waitFor();
  });

  await step('and is forgotten on request', async () => {
    await page.getByRole('button', { name: 'Forget key' }).click();
    const other = await tab(page, server.origin);
    await other.getByLabel('Application key').waitFor();
  });
});
