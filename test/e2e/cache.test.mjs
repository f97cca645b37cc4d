// A caching nginx in front, with the file that is in deploy/: players play through
// it, and any number of viewers cost the server what one does.

import assert from 'node:assert/strict';
import { execFile } from 'node:child_process';
import { promisify } from 'node:util';

import { data, preparedStream } from './lib/api.mjs';
import { runCache } from './lib/nginx.mjs';
import { assertPlays } from './lib/play.mjs';
import { until } from './lib/processes.mjs';
import { publishFromCommand } from './lib/publish.mjs';
import { scene } from './lib/scene.mjs';
import { binary } from './lib/server.mjs';

const run = promisify(execFile);

/** How many times what one viewer costs a crowd may cost. */
const most = 1.1;

/** How many requests twenty seconds of one viewer are at the least: were it fewer, they would not have been counted. */
const counted = 100;

/** How many media requests a server has answered. */
const answered = (server) => (server.log.match(/ path=\/streams\//g) ?? []).length;

/** Lets viewers watch for twenty seconds; gives their report, and what they cost the server. */
async function watch(server, url, viewers) {
  const before = answered(server);
  const { stdout } = await run(binary, ['loadtest', url, '--viewers', String(viewers), '--duration', '18s', '--ramp', '2s', '--json']);
  return { report: JSON.parse(stdout), cost: answered(server) - before };
}

scene('a caching nginx in front', { env: { SLUICE_LOG_LEVEL: 'debug' } }, async (it) => {
  const { server, step } = it;
  const cache = await runCache(it, server);
  const { id } = await preparedStream(server, 'Cached');
  publishFromCommand(it, id);
  await until('the stream is live', async () => (await data(server, 'GET', `/streams/${id}`)).status === 'live', { timeout: 20_000 });
  const manifests = { hls: `${cache.origin}/streams/${id}/master.m3u8`, dash: `${cache.origin}/streams/${id}/manifest.mpd` };

  for (const [engine, format] of [['hls', 'hls'], ['shaka', 'dash']]) {
    await step(`${format.toUpperCase()} plays in ${engine === 'hls' ? 'hls.js' : 'Shaka'} through it`, async (t) => {
      t.diagnostic(JSON.stringify(await assertPlays(it, engine, manifests[format])));
    });
  }

  const folder = `/streams/${id}/`;
  /** The part that comes next, of the server. */
  const next = async () => {
    const playlist = await (await fetch(`${server.origin}${folder}stream360.m3u8`)).text();
    const [, segment, part] = /PRELOAD-HINT:TYPE=PART,URI="part-stream360-(\d+)-(\d+)/.exec(playlist);
    return { segment: Number(segment), part: Number(part) };
  };
  const segmentName = (number) => `${folder}chunk-stream360-${number}.m4s`;
  const kept = (response) => response.headers.get('cache-control');

  await step('a segment that is being made is the one that it becomes, and kept by nobody until then', async () => {
    const { segment, part } = await next();
    // Of a segment whose first part comes next there is nothing yet: the one after it is too far ahead.
    const name = segmentName(part === 0 ? segment : segment + 1);
    const get = async (origin) => {
      const response = await fetch(origin + name);
      assert.equal(response.status, 200);
      return { kept: kept(response), bytes: Buffer.from(await response.arrayBuffer()) };
    };
    const [open, whole] = [await get(cache.origin), await get(server.origin)];
    assert.ok(open.bytes.equals(whole.bytes), `${open.bytes.length} bytes through the cache, ${whole.bytes.length} of the server`);
    assert.equal(open.kept, 'no-store');
    assert.equal(kept(await fetch(cache.origin + segmentName((await next()).segment - 8))), whole.kept, 'it was whole before the list of its chunks expired');
  });

  await step('a parameter in other letters is the same, for the server too', async () => {
    const { segment, part } = await next();
    for (const [msn, index] of [['_hls_msn', '_hls_part'], ['_HLS_msn', '_HLS_part']]) {
      const response = await fetch(`${cache.origin}${folder}stream360.m3u8?token=a&${msn}=${segment + 1}&${index}=${part}`);
      assert.match(await response.text(), new RegExp(`#EXT-X-PART:.*URI="part-stream360-${segment + 1}-${part}\\.m4s"`), msn);
    }
  });

  await step('that a segment is not there yet is kept by nobody', async () => {
    const early = await fetch(cache.origin + segmentName((await next()).segment + 3));
    assert.equal(early.status, 404);
    assert.equal(kept(early), 'no-store');
  });

  await step('the time is the server’s', async () => {
    const response = await fetch(`${cache.origin}/time`);
    assert.equal(kept(response), 'no-store');
    assert.equal(response.headers.get('access-control-allow-origin'), '*');
    const apart = new Date(await response.text()) - new Date(await (await fetch(`${server.origin}/time`)).text());
    assert.ok(Math.abs(apart) < 1000, `${apart} ms apart`);
  });

  for (const [format, url] of Object.entries(manifests)) {
    await step(`200 viewers of ${format.toUpperCase()} cost what one does`, async (t) => {
      const one = await watch(server, url, 1);
      const many = await watch(server, url, 200);
      for (const { report, cost } of [one, many]) t.diagnostic(`${cost} requests: ${JSON.stringify(report)}`);
      assert.equal(many.report.viewers.played, 200);
      for (const { cost } of [one, many]) assert.ok(cost > counted, `only ${cost} requests were counted`);
      assert.ok(many.cost <= most * one.cost, `${many.cost} requests for 200 viewers, ${one.cost} for one`);
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
});
