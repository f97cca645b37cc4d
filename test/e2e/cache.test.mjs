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

  await step('a segment that is being made is the one that it becomes', async () => {
    const folder = `/streams/${id}/`;
    const playlist = await (await fetch(`${server.origin}${folder}stream360.m3u8`)).text();
    const [, number] = /PRELOAD-HINT:TYPE=PART,URI="part-stream360-(\d+)-/.exec(playlist);
    const name = `${folder}chunk-stream360-${Number(number) + 1}.m4s`;
    const bytes = async (origin) => Buffer.from(await (await fetch(origin + name)).arrayBuffer());
    const [open, whole] = [await bytes(cache.origin), await bytes(server.origin)];
    assert.ok(open.equals(whole), `${open.length} bytes through the cache, ${whole.length} of the server`);
  });

  for (const [format, url] of Object.entries(manifests)) {
    await step(`200 viewers of ${format.toUpperCase()} cost what one does`, async (t) => {
      const one = await watch(server, url, 1);
      const many = await watch(server, url, 200);
      for (const { report, cost } of [one, many]) t.diagnostic(`${cost} requests: ${JSON.stringify(report)}`);
      assert.equal(many.report.viewers.played, 200);
      assert.ok(many.cost <= most * one.cost, `${many.cost} requests for 200 viewers, ${one.cost} for one`);
    });
  }
});
