// How browsers reach the server: over UDP, over TCP where UDP is blocked, and over
// another path when the first one dies.

import assert from 'node:assert/strict';
import { setTimeout as delay } from 'node:timers/promises';

import { data, Events, preparedStream } from './lib/api.mjs';
import { evaluate, openPage } from './lib/browser.mjs';
import { openInFirefox } from './lib/firefox.mjs';
import { openPath } from './lib/paths.mjs';
import { until } from './lib/processes.mjs';
import { scene } from './lib/scene.mjs';

/** Opens a page of Chromium that publishes to a new stream. */
async function publishBy(it, name, way, kinds) {
  const { id } = await preparedStream(it.server, name);
  const page = await openPage(it.browser, `${it.site.origin}/ice.html`);
  await evaluate(page, `publishing: ${name}`, ([...all]) => window.publishBy(...all), [{ origin: it.server.origin, key: it.server.key }, id, way, kinds]);
  return { id, page, path: () => page.evaluate(() => window.path()) };
}

/** Sees that media flows, and that the server says what it gets. */
async function assertFlows(path) {
  const before = await path();
  return until('media flows and the server reports on it', async () => {
    const now = await path();
    return now.state === 'connected' && now.bytesSent > before.bytesSent + 20_000 && now.heard > before.heard && now;
  });
}

for (const protocol of ['udp', 'tcp']) {
  scene(`Chromium publishes over ${protocol}`, {}, async (it) => {
    const { id, path } = await publishBy(it, `Chromium ${protocol}`, { protocol });
    assert.equal((await assertFlows(path)).protocol, protocol);
    assert.equal((await data(it.server, 'GET', `/streams/${id}`)).status, 'live');
  });

  scene(`Firefox publishes over ${protocol}`, { browser: false }, async (it) => {
    const { id } = await preparedStream(it.server, `Firefox ${protocol}`);
    const reports = await openInFirefox(it, `${it.site.origin}/ice.html`, {
      server: { origin: it.server.origin, key: it.server.key }, id, way: { protocol },
    });
    await until('Firefox publishes', () => {
      const failure = reports.find(({ error }) => error);
      assert.ok(!failure, failure?.error);
      return reports.length > 0;
    }, { timeout: 60_000 });
    assert.equal((await assertFlows(() => reports.at(-1))).protocol, protocol);
    assert.equal((await data(it.server, 'GET', `/streams/${id}`)).status, 'live');
  });
}

scene('Chromium goes on over another path when the first one dies', {}, async (it) => {
  const { server, step } = it;
  const paths = [await openPath(it, server.options.mediaPort), await openPath(it, server.options.mediaPort)];
  const { id, path } = await publishBy(it, 'Two paths', { relays: paths.map(({ port }) => port) });
  const events = await new Events(server, id).open();
  it.after(() => events.close());
  const first = await assertFlows(path);
  const dying = paths.find(({ port }) => port === first.port);
  const other = paths.find(({ port }) => port !== first.port);

  await step('media takes the other one within seconds', async (t) => {
    const before = other.media;
    dying.cut = true;
    const at = Date.now();
    await until('media takes the other path', () => other.media > before + 30, { timeout: 10_000 });
    t.diagnostic(`after ${Date.now() - at} ms`);
    const taken = Date.now();
    await assertFlows(path);
    t.diagnostic(`the server reports on it ${Date.now() - taken} ms later`);
  });

  await step('and stays, with media over it', async () => {
    const before = other.media;
    await delay(15_000); // longer than a session lasts of which nothing is heard
    assert.ok(other.media > before + 15 * 30, `${other.media - before} packets in 15 s`);
    const seen = await assertFlows(path);
    assert.equal(seen.port, other.port);
    assert.equal((await data(server, 'GET', `/streams/${id}`)).status, 'live');
    assert.equal(server.log.split("publisher's offer answered").length, 2, 'one session did it all');
    assert.ok(!/state=(failed|closed)/.test(server.log), server.log);
  });
});

scene('a picture that stands still is no publisher that is gone', {}, async (it) => {
  const { page } = await publishBy(it, 'Still', {}, { still: true });
  await delay(15_000);
  assert.equal(await page.evaluate(() => window.publisher.peer.connectionState), 'connected');
  assert.ok(!/state=(disconnected|failed|closed)/.test(it.server.log), it.server.log);
});

scene('a second offer on the same connection', {}, async (it) => {
  const { server, step } = it;
  const { page, path } = await publishBy(it, 'Second offer', {});
  await assertFlows(path);

  await step('without an ICE restart is a conflict that says what to do, and disturbs nothing', async () => {
    const answer = await evaluate(page, 'offering again', () => window.offerAgain('addTrack'));
    assert.equal(answer.code, 409, JSON.stringify(answer));
    assert.equal(answer.reason, 'renegotiation_unsupported');
    assert.match(answer.message, /restartIce\(\).*new RTCPeerConnection/);
    await assertFlows(path);
  });

  await step('with one has media again within two seconds', async (t) => {
    const states = () => [...server.log.matchAll(/time=(\S+) .*publisher's connection changed.*state=connected/g)].map(([, time]) => Date.parse(time));
    const before = states().length;
    const at = Date.now();
    const answer = await evaluate(page, 'offering again', () => window.offerAgain('restartIce'));
    assert.equal(answer.code, 200, JSON.stringify(answer));
    await until('the new session is connected', () => states().length > before);
    t.diagnostic(`connected after ${states().at(-1) - at} ms`);
    assert.ok(states().at(-1) - at < 2000);
    await assertFlows(path);
  });
});
