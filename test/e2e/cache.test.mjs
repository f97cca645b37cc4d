// Varnish in front, with the file that is in deploy/: players play through it, and
// any number of viewers cost the server what one does.

import assert from 'node:assert/strict';
import { execFile } from 'node:child_process';
import { setTimeout as delay } from 'node:timers/promises';
import { promisify } from 'node:util';

import { cpuTime } from '../bench/lib/cpu.mjs';
import { data, Events, preparedStream } from './lib/api.mjs';
import { assertPlays } from './lib/play.mjs';
import { until } from './lib/processes.mjs';
import { live, publishFromCommand } from './lib/publish.mjs';
import { scene } from './lib/scene.mjs';
import { binary } from './lib/server.mjs';
import { runVarnish } from './lib/varnish.mjs';

const run = promisify(execFile);

/** How many viewers a load test has; the first is what the others are measured by. VIEWERS=1,50,200 makes the table of docs/caching.md. */
const crowds = (process.env.VIEWERS ?? '1,200').split(',').map(Number);

/** How many times what one viewer costs a crowd may cost. */
const most = 1.1;

/** How many requests twenty seconds of one viewer are at the least: were it fewer, they would not have been counted. */
const counted = 20;

/** How long a stream that was deleted may be served, in ms. */
const served = 2000;

/** How many media requests a server has answered. */
const answered = (server) => (server.log.match(/ path=\/streams\//g) ?? []).length;

/** Lets viewers watch for twenty seconds; gives their report, and what they cost the server and Varnish. */
async function watch(server, cache, url, viewers) {
  const before = { cost: answered(server), cpu: await cpuTime(cache.pid) };
  const { stdout } = await run(binary, ['loadtest', url, '--viewers', String(viewers), '--duration', '19s', '--ramp', '1s', '--json']);
  const report = JSON.parse(stdout);
  return { report, cost: answered(server) - before.cost, core: ((await cpuTime(cache.pid)) - before.cpu) / report.seconds };
}

/** What a watch cost and gave, in one line. */
function inWords({ report, cost, core }) {
  const ms = ({ p50, p95 }) => `${(p50 * 1000).toFixed(0)} / ${(p95 * 1000).toFixed(0)} ms`;
  return `${report.viewers.played} viewers: ${cost} requests at the server of ${report.requests.count}, ` +
    `latency ${ms(report.latency)}, after the last frame ${ms(report.arrival)}, Varnish ${(core * 100).toFixed(0)} % of a core`;
}

// Parts of a third of a second: 200 viewers ask 2,400 times a second, which two cores can also send.
scene('Varnish in front', { env: { SLUICE_LOG_LEVEL: 'debug', SLUICE_TRUSTED_PROXY: '127.0.0.1', SLUICE_CHUNK: process.env.CHUNK ?? '333ms' } }, async (it) => {
  const { server, step } = it;
  const cache = await runVarnish(it, server);
  const { id } = await preparedStream(server, 'Cached');
  await live(it, id, publishFromCommand(it, id));
  const folder = `/streams/${id}/`;
  const manifests = { hls: `${cache.origin}${folder}master.m3u8`, dash: `${cache.origin}${folder}manifest.mpd` };

  for (const [engine, format] of [['hls', 'hls'], ['shaka', 'dash']]) {
    await step(`${format.toUpperCase()} plays in ${engine === 'hls' ? 'hls.js' : 'Shaka'} through it`, async (t) => {
      t.diagnostic(JSON.stringify(await assertPlays(it, engine, manifests[format])));
    });
  }

  /** The part that comes next, of the server. */
  const next = async () => {
    const playlist = await (await fetch(`${server.origin}${folder}stream360.m3u8`)).text();
    const [, segment, part] = /PRELOAD-HINT:TYPE=PART,URI="part-stream360-(\d+)-(\d+)/.exec(playlist);
    return { segment: Number(segment), part: Number(part) };
  };
  const segmentName = (number) => `${folder}chunk-stream360-${number}.m4s`;
  const get = async (origin, name, options) => {
    const response = await fetch(origin + name, options);
    return { status: response.status, headers: response.headers, body: Buffer.from(await response.arrayBuffer()) };
  };
  /** Each answer of the server has an id of its own, which tells two of them from one that was kept. */
  const answerOf = ({ headers }) => headers.get('x-request-id');

  await step('a segment that is being made goes to all who wait, chunk by chunk, as one request', async (t) => {
    const { segment } = await next();
    const name = segmentName(segment + 1);
    await until('the segment begins', async () => (await next()).segment > segment, { timeout: 5000, every: 20 });
    const waiters = await Promise.all(Array.from({ length: 20 }, async () => {
      const response = await fetch(cache.origin + name);
      assert.equal(response.status, 200);
      const pieces = [];
      let first;
      for await (const piece of response.body) {
        first ??= performance.now();
        pieces.push(piece);
      }
      return { answer: answerOf(response), bytes: Buffer.concat(pieces), took: performance.now() - first };
    }));
    const whole = await get(server.origin, name);
    for (const { answer, bytes, took } of waiters) {
      assert.equal(answer, waiters[0].answer);
      assert.ok(bytes.equals(whole.body), `${bytes.length} bytes through the cache, ${whole.body.length} of the server`);
      assert.ok(took > 1000, `all of it came within ${took} ms: it was held back until it was whole`);
    }
    t.diagnostic(`the first chunk came ${Math.min(...waiters.map(({ took }) => took)).toFixed(0)} ms before the last`);
  });

  await step('what is kept is asked for again after two seconds, without its bytes', async () => {
    const name = segmentName((await next()).segment - 2);
    const [one, another] = [await get(cache.origin, `${name}?token=a`), await get(cache.origin, `${name}?token=b`)];
    assert.equal(answerOf(one), answerOf(another), 'a token makes no other file');
    await delay(served);
    const before = server.log.length;
    const later = await get(cache.origin, name);
    assert.ok(later.body.equals(one.body));
    await until('the server says 304', () => server.log.slice(before).split('\n').some((line) => line.includes(name) && line.includes('status=304')));
  });

  await step('a playlist is what was asked for, in any order and with any token', async () => {
    const { segment, part } = await next();
    const queries = [`token=a&_HLS_msn=${segment + 1}&_HLS_part=${part}`, `_HLS_part=${part}&token=b&_HLS_msn=${segment + 1}&x`];
    const [one, another] = await Promise.all(queries.map((query) => get(cache.origin, `${folder}stream360.m3u8?${query}`)));
    assert.match(one.body.toString(), new RegExp(`#EXT-X-PART:.*URI="part-stream360-${segment + 1}-${part}\\.m4s"`));
    assert.equal(answerOf(one), answerOf(another));
    await until('a delta leaves segments out', async () => /#EXT-X-SKIP/.test((await get(cache.origin, `${folder}stream360.m3u8?_HLS_skip=YES`)).body), { timeout: 20_000, every: 500 });
    const whole = await get(cache.origin, `${folder}stream360.m3u8?a=b`);
    assert.doesNotMatch(whole.body.toString(), /#EXT-X-SKIP/);
  });

  await step('that a segment is not there yet is kept by nobody', async () => {
    const { segment } = await next();
    const name = segmentName(segment + 2);
    const early = await get(cache.origin, name);
    assert.equal(early.status, 404);
    assert.equal(early.headers.get('cache-control'), 'no-store');
    await until('the segment before it begins', async () => {
      const now = await next();
      return now.segment > segment && now.part > 0;
    }, { timeout: 5000, every: 20 });
    const soon = await get(cache.origin, name); // waits at the server
    assert.equal(soon.status, 200);
  });

  await step('nothing else is kept', async () => {
    const key = { headers: { Authorization: `Bearer ${server.key}` } };
    for (const [name, options] of [['/time'], ['/healthz'], ['/'], [`/watch/${id}`], [`/v1/streams/${id}`, key], [`/v1/streams/${id}`]]) {
      const [one, another] = [await get(cache.origin, name, options), await get(cache.origin, name, options)];
      assert.notEqual(answerOf(one), answerOf(another), name);
      assert.equal(one.status, another.status, name);
    }
    const apart = new Date((await get(cache.origin, '/time')).body.toString()) - new Date((await get(server.origin, '/time')).body.toString());
    assert.ok(Math.abs(apart) < 1000, `${apart} ms apart`);
  });

  for (const [format, url] of Object.entries(manifests)) {
    await step(`any number of viewers of ${format.toUpperCase()} cost what one does`, async (t) => {
      const watched = [];
      for (const viewers of crowds) {
        const one = await watch(server, cache, url, viewers);
        t.diagnostic(inWords(one));
        assert.equal(one.report.viewers.played, viewers);
        watched.push(one);
      }
      for (const { report, cost } of watched) {
        assert.ok(cost > counted, `only ${cost} requests were counted`);
        assert.ok(cost <= most * watched[0].cost, `${cost} requests for ${report.viewers.played} viewers, ${watched[0].cost} for one`);
      }
    });
  }

  await step('a segment whose chunks do not come is cut off', async () => {
    const encoders = await server.encoders();
    const response = await fetch(cache.origin + segmentName((await next()).segment + 1));
    const body = response.body.getReader();
    await body.read();
    for (const pid of encoders) process.kill(pid, 'SIGSTOP');
    try {
      await assert.rejects(async () => {
        while (!(await body.read()).done);
      });
    } finally {
      for (const pid of encoders) process.kill(pid, 'SIGCONT');
    }
  });

  await step('a stream that was deleted is gone within two seconds', async () => {
    await until('the stream goes on', async () => {
      const { segment } = await next();
      await delay(500);
      return (await next()).segment > segment;
    }, { timeout: 30_000 });
    const { segment } = await next();
    const names = ['master.m3u8', 'manifest.mpd', 'stream360.m3u8', 'init-stream360.mp4'].map((name) => folder + name);
    names.push(segmentName(segment - 2), segmentName(segment - 1));
    const all = () => Promise.all(names.map(async (name) => ({ name, ...(await get(cache.origin, name)) })));
    for (const { name, status } of await all()) assert.equal(status, 200, name);
    const events = await new Events(cache, id).open();
    it.after(() => events.close());
    await data(server, 'DELETE', `/streams/${id}`);
    const deleted = Date.now();
    await events.wait('streamEnded');
    await delay(deleted + served - Date.now());
    for (const { name, status: now } of await all()) assert.ok(now === 404 || now === 410, `${now}: ${name}`);
  });
});
