// One address opens thousands of hostile connections to a server that has few
// descriptors: viewers go on, new ones come, publishers go live, and an encoder
// that dies is replaced.

import assert from 'node:assert/strict';
import { Agent } from 'node:http';

import { Attack, attacker, get, kinds, Viewer } from './lib/attack.mjs';
import { data, preparedStream } from './lib/api.mjs';
import { playlist, renditions } from './lib/media.mjs';
import { residentMemory, until } from './lib/processes.mjs';
import { live, makeClip, publishFromCommand } from './lib/publish.mjs';
import { scene } from './lib/scene.mjs';

const count = 5000;
const viewerAddress = '127.0.0.1';
/** How long a viewer may see nothing new, in ms: an encoder is killed meanwhile, and two cores carry all of this. */
const longestGap = 3000;

/** Loads what a player that joins loads, on a connection of its own; gives how long it took, in ms. */
async function join(hls, localAddress) {
  const agent = new Agent({ keepAlive: true, maxSockets: 1 });
  const from = performance.now();
  try {
    const url = (await renditions(hls)).find(({ kind }) => kind === 'video').url;
    const { segments } = await playlist(url);
    for (const address of [hls, url, segments.at(-1).url]) {
      const { status, body } = await get(address, { agent, localAddress });
      assert.equal(status, 200, `${address} from ${localAddress}: ${body.toString('latin1').slice(0, 300)}`);
    }
  } finally {
    agent.destroy();
  }
  return performance.now() - from;
}

/** Publishes to a new stream over TCP, waits until it is live, and ends it. */
async function goLiveOverTCP(it, clip, name) {
  const { id } = await preparedStream(it.server, name);
  const publisher = publishFromCommand(it, id, { file: clip, asIs: true, tcp: true });
  const from = performance.now();
  await live(it, id, publisher);
  const took = performance.now() - from;
  publisher.child.kill('SIGTERM');
  await publisher.exited;
  return took;
}

/** Kills the only encoder; gives how long it takes until a new one writes, in ms. */
async function killEncoder(it, viewer) {
  const [pid] = await until('one encoder runs', async () => {
    const running = await it.server.encoders();
    return running.length === 1 && running;
  }, { timeout: 20_000 });
  const before = (await get(viewer.url)).body.toString();
  const from = performance.now();
  process.kill(pid, 'SIGKILL');
  await until('another encoder', async () => (await it.server.encoders()).some((other) => other !== pid));
  await until('new media', async () => (await get(viewer.url)).body.toString() !== before);
  return performance.now() - from;
}

scene('hostile connections', { browser: false, descriptors: 1024 }, async (it) => {
  const { server, step } = it;
  const clip = await makeClip(it);

  for (const [kind, { media }] of Object.entries(kinds)) {
    await step(`${count} of ${kind}`, async (t) => {
      // A stream of its own: encoders that die one after the other are waited for longer.
      const { id } = await preparedStream(server, `Attacked by ${kind}`);
      const publisher = publishFromCommand(it, id, { file: clip, asIs: true });
      const { hls_url: hls } = await live(it, id, publisher);
      const old = await new Viewer(viewerAddress).open(hls);
      it.after(() => old.close());
      await until('media', async () => (await playlist(old.url)).segments.length > 1, { timeout: 20_000 });
      old.reset();
      const logged = server.log.length;
      const attack = await new Attack(kind, { server, id }).open(count);
      t.diagnostic(`${attack.held} held, ${attack.closed} closed, answered: ${JSON.stringify(Object.fromEntries(attack.answers))}`);
      try {
        for (const localAddress of [viewerAddress, attacker]) {
          const { status, took } = await get(`${server.origin}/healthz`, { localAddress });
          assert.equal(status, 200);
          assert.ok(took < 1000, `/healthz took ${took} ms from ${localAddress}`);
          t.diagnostic(`from ${localAddress}: /healthz after ${took.toFixed(0)} ms, a new viewer after ${(await join(hls, localAddress)).toFixed(0)} ms`);
        }
        const back = await killEncoder(it, old);
        t.diagnostic(`encoder back after ${back.toFixed(0)} ms`);
        assert.ok(back < 2000, `${back} ms`);
        t.diagnostic(`a publisher over ICE-TCP is live after ${(await goLiveOverTCP(it, clip, `During ${kind}`)).toFixed(0)} ms`);
      } finally {
        attack.close();
      }
      t.diagnostic(`the old viewer saw nothing new for ${old.gap.toFixed(0)} ms at the most`);
      assert.deepEqual(old.failures, []);
      assert.ok(old.gap < longestGap, `${old.gap} ms`);
      const lines = server.log.slice(logged).split('\n').filter((line) => /budget=/.test(line));
      t.diagnostic(lines[0] ?? 'no line names a budget');
      assert.ok(lines.length > 0, 'a log line names the budget');
      if (media) t.diagnostic(`after: live over ICE-TCP in ${(await goLiveOverTCP(it, clip, `After ${kind}`)).toFixed(0)} ms`);
      assert.equal((await data(server, 'GET', `/streams/${id}`)).status, 'live');
      await old.close();
      publisher.child.kill('SIGTERM');
      await publisher.exited;
    });
  }
});

const followers = 10_000;
/** How much memory all of them may take together, in bytes: 30 kB each. */
const room = followers * 30 * 1024;

scene('ten thousand event clients', {
  browser: false,
  env: {
    // What Go may hold in all. What requests leave behind is collected then, and what clients hold is not.
    SLUICE_MEMORY_LIMIT: String(Math.floor(room / 2 ** 20)),
    SLUICE_MAX_CONNECTIONS: '12000', SLUICE_MAX_CONNECTIONS_PER_ADDRESS: '12000', SLUICE_MAX_EVENT_STREAMS: '12000', SLUICE_MAX_EVENT_STREAMS_PER_ADDRESS: '12000', SLUICE_MAX_EVENT_STREAMS_PER_STREAM: '12000',
  },
}, async (it) => {
  const { server, step } = it;
  const { id } = await preparedStream(server, 'Followed');
  await step('cost at most 30 kB each', async (t) => {
    const before = await residentMemory(server.pid);
    const attack = await new Attack('event streams', { server, id }).open(followers);
    try {
      await until('all are answered', () => attack.answers.get('200') === followers, { timeout: 30_000 });
      const more = (await residentMemory(server.pid)) - before;
      t.diagnostic(`${(more / followers / 1024).toFixed(1)} kB each`);
      assert.equal(attack.held, followers, 'all are still there');
      assert.ok(more <= room, `${more} bytes more`);
    } finally {
      attack.close();
    }
  });
});
