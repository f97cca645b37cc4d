// By hand: one 720p stream for a long time.
//
//   make soak MINUTES=30
//
// H.264 is the codec that costs the publisher least: it shares the machine.
// QUALITY=360 takes a smaller stream, for a machine that is busy.
//
// Samples the server's memory, follows every segment number, and measures at
// the end how far sound and picture are apart. Prints a table, and fails when
// a number is missing, memory grows after the window has filled, or sound and
// picture are more than 50 ms apart.

import assert from 'node:assert/strict';
import { spawn } from 'node:child_process';
import { once } from 'node:events';
import { setTimeout as delay } from 'node:timers/promises';
import path from 'node:path';

import { data } from '../e2e/lib/api.mjs';
import { assertDecodes, assertNoGap, Follower, renditions } from '../e2e/lib/media.mjs';
import { children, residentMemory, until } from '../e2e/lib/processes.mjs';
import { publishFromCommand } from '../e2e/lib/publish.mjs';
import { scene } from '../e2e/lib/scene.mjs';
import { flashAndBeep, soundBehindPicture } from '../e2e/lib/sync.mjs';

const minutes = Number(process.env.MINUTES ?? 30);
const quality = process.env.QUALITY ?? '720';
const sampleSeconds = 15;
const kept = 10; // segments whose bytes are kept: the end is what is measured

const megabytes = (bytes) => (bytes / 2 ** 20).toFixed(1);
const seconds = (ms) => (ms / 1000).toFixed(0).padStart(6);

scene(`one ${quality}p stream for ${minutes} minutes`, { browser: false }, async (it) => {
  const { server } = it;
  const source = path.join(server.options.data, 'flash-and-beep.mkv');
  console.log('making the source …');
  const [code] = await once(spawn('ffmpeg', flashAndBeep({ seconds: minutes * 60 + 60, file: source, size: quality === '720' ? '1280x720' : '640x360' }), { stdio: 'inherit' }), 'exit');
  assert.equal(code, 0);

  const stream = await data(server, 'POST', '/streams/create', { body: { name: 'Soak', quality } });
  await data(server, 'POST', `/streams/${stream.id}/prepare`);
  const publisher = publishFromCommand(it, stream.id, { duration: `${minutes + 1}m`, quality, codec: 'h264', file: source });
  const { hls_url: hls } = await until('the stream is live', async () => {
    const now = await data(server, 'GET', `/streams/${stream.id}`);
    return now.is_live && now;
  }, { timeout: 30_000 }).catch((err) => assert.fail(`${err.message}\n${publisher.said}`));
  const followers = (await renditions(hls)).map((rendition) => new Follower(rendition));

  console.log('  time s   server MB   ffmpeg MB   segments   missing');
  const memory = [];
  const began = Date.now();
  for (let next = began; next < began + minutes * 60_000; next += sampleSeconds * 1000) {
    await delay(Math.max(0, next - Date.now()));
    for (const follower of followers) {
      await follower.take();
      assertNoGap(follower);
      // Forget bytes, not numbers, or the measuring grows instead of the measured.
      for (const segment of follower.segments.slice(0, -kept)) segment.bytes = null;
    }
    const encoders = await children(server.pid, 'ffmpeg');
    assert.equal(encoders.length, 1);
    memory.push({ at: Date.now() - began, bytes: await residentMemory(server.pid) });
    console.log(`  ${seconds(memory.at(-1).at)}   ${megabytes(memory.at(-1).bytes).padStart(9)}   ${megabytes(await residentMemory(encoders[0])).padStart(9)}   ${String(followers[0].segments.length).padStart(8)}         0`);
  }

  for (const follower of followers) {
    const last = { ...follower, segments: follower.segments.slice(-kept) };
    await assertDecodes(last);
    follower.last = { ...last, file: Buffer.concat([follower.init, ...last.segments.map((segment) => segment.bytes)]) };
  }
  const audio = followers.find(({ rendition }) => rendition.kind === 'audio').last;
  for (const { last } of followers.filter(({ rendition }) => rendition.kind === 'video')) {
    const { milliseconds, pairs } = await soundBehindPicture(last, audio);
    console.log(`sound ${milliseconds.toFixed(1)} ms behind the picture (${pairs} flashes) in ${last.rendition.url}`);
    assert.ok(Math.abs(milliseconds) <= 50, `${milliseconds} ms apart`);
  }

  const full = memory.filter(({ at }) => at > 2 * 60_000);
  if (full.length < 8) return;
  const mean = (samples) => samples.reduce((sum, { bytes }) => sum + bytes, 0) / samples.length;
  const [first, last] = [mean(full.slice(0, full.length >> 2)), mean(full.slice(-(full.length >> 2)))];
  console.log(`memory: ${megabytes(first)} MB in the first quarter after the window filled, ${megabytes(last)} MB in the last`);
  assert.ok(last < first * 1.1 + 4 * 2 ** 20, 'memory grows');
});
