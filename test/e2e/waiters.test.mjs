// Two thousand viewers wait for a part that does not come: because the publisher
// is killed, because the encoder stands still, because the stream ends.

import assert from 'node:assert/strict';

import { openConnections } from '../bench/lib/connection.mjs';
import { data, preparedStream } from './lib/api.mjs';
import { nextPart, partsOf, readPlaylist } from './lib/lint/playlist.mjs';
import { renditions } from './lib/media.mjs';
import { residentMemory, until } from './lib/processes.mjs';
import { live, publishFromCommand } from './lib/publish.mjs';
import { scene } from './lib/scene.mjs';

const count = 2000;
/** How long a request may be held: three target durations, and what two thousand answers take on a busy machine, in ms. */
const longestHold = 6000;
const busy = 3000;
/** How far memory may be above its level once all viewers have left: the media that came meanwhile, and the program's own pages that were not read before. */
const leftBehind = 20 << 20;

class Viewers {
  /** Connects them to the first video playlist of a stream. */
  async open(hls) {
    const { url } = (await renditions(hls)).find(({ kind }) => kind === 'video');
    this.path = new URL(url).pathname;
    this.connections = await openConnections(new URL(url).origin, count);
    return this;
  }

  async playlist() {
    const { status, body } = await this.connections[0].get(this.path, true);
    assert.equal(status, 200);
    return readPlaylist(body.toString());
  }

  /** All ask for the part so many after the last. Gives what was asked for, when, and all answers. */
  async wait(ahead) {
    const playlist = await this.playlist();
    const perSegment = Math.round(playlist.targetDuration / playlist.partTarget);
    const next = nextPart(playlist);
    const place = next.msn * perSegment + next.part + ahead;
    const asked = { msn: Math.floor(place / perSegment), part: place % perSegment };
    const at = Date.now();
    const answers = Promise.all(this.connections.map((connection) => connection.get(`${this.path}?_HLS_msn=${asked.msn}&_HLS_part=${asked.part}`, true)));
    return { asked, answers: answers.then((all) => ({ all, took: Date.now() - at })) };
  }

  close() {
    for (const connection of this.connections) connection.close();
  }
}

/** Checks that all were answered by a playlist that ends, or that holds what they asked for. */
function assertHolds({ all }, { msn, part }) {
  for (const { status, body } of all) {
    assert.equal(status, 200, body.toString());
    const playlist = readPlaylist(body.toString());
    if (playlist.ended) continue;
    const last = partsOf(playlist).at(-1);
    assert.ok(last.msn > msn || (last.msn === msn && last.index >= part), `${msn}.${part} was asked for, and ${last.msn}.${last.index} is the last`);
  }
}

scene('two thousand viewers wait', { env: { SLUICE_RECONNECT_WINDOW: '4s' }, browser: false }, async (it) => {
  const { server, step } = it;
  const { id } = await preparedStream(server, 'Waiters');
  const publisher = publishFromCommand(it, id);
  const { hls_url: hls } = await live(it, id, publisher);
  const before = await residentMemory(server.pid);
  const viewers = await new Viewers().open(hls);
  it.after(() => viewers.close());

  await step('the encoder stands still: 503 after three target durations, to all of them', async (t) => {
    const encoders = await until('one encoder runs', async () => {
      const running = await server.encoders();
      return running.length === 1 && running;
    });
    const { answers } = await viewers.wait(5);
    process.kill(encoders[0], 'SIGSTOP');
    const { all, took } = await answers;
    t.diagnostic(`${took} ms`);
    for (const { status, body } of all) assert.equal(status, 503, `never the unchanged playlist: ${body.toString()}`);
    assert.ok(took >= longestHold - 100 && took < longestHold + busy, `${took} ms`);
  });

  await step('it is replaced: the next ones who wait get their part', async () => {
    await until('new parts', async () => {
      const { asked, answers } = await viewers.wait(0);
      const answered = await answers;
      if (answered.all.some(({ status }) => status === 503)) return false; // once more, while the new one begins
      assertHolds(answered, asked);
      return true;
    }, { timeout: 30_000 });
  });

  await step('the publisher is killed: filled media come, and all get their part', async (t) => {
    const { asked, answers } = await viewers.wait(8);
    publisher.child.kill('SIGKILL');
    const answered = await answers;
    t.diagnostic(`${answered.took} ms`);
    assertHolds(answered, asked);
    assert.ok(answered.took < longestHold + busy, `${answered.took} ms`);
  });

  await step('nobody comes back: all get the last playlist, and none is left waiting', async (t) => {
    let rounds = 0;
    await until('the end', async () => {
      const { asked, answers } = await viewers.wait(0);
      const answered = await answers;
      rounds += 1;
      assertHolds(answered, asked);
      return answered.all.every(({ body }) => body.includes('#EXT-X-ENDLIST'));
    }, { timeout: 40_000 });
    t.diagnostic(`after ${rounds} rounds`);
    assert.equal((await data(server, 'GET', `/streams/${id}`)).status, 'ended');
  });

  await step('they leave: memory returns to its level', async (t) => {
    const most = await residentMemory(server.pid);
    viewers.close();
    const mb = (bytes) => `${(bytes / 2 ** 20).toFixed(0)} MB`;
    try {
      await until('memory is back', async () => {
        // Some work, or Go would not collect for minutes.
        for (const { status } of await Promise.all(Array.from({ length: 100 }, () => fetch(`${server.origin}/healthz`)))) assert.equal(status, 200);
        return (await residentMemory(server.pid)) < before + leftBehind;
      }, { timeout: 60_000 });
    } finally {
      t.diagnostic(`${mb(before)} before, ${mb(most)} with all of them, ${mb(await residentMemory(server.pid))} after`);
    }
  });
});
