// What is served, read as bytes: playlists, segments, and what FFmpeg says of them.

import assert from 'node:assert/strict';
import { spawn } from 'node:child_process';
import { once } from 'node:events';

import { stopAtExit } from './processes.mjs';

/** The nominal length of a segment in seconds, on whose grid key frames lie. */
export const segmentSeconds = 2;

async function text(url) {
  const response = await fetch(url);
  assert.equal(response.status, 200, url);
  return response.text();
}

async function bytes(url) {
  const response = await fetch(url);
  assert.equal(response.status, 200, url);
  return Buffer.from(await response.arrayBuffer());
}

/** The media playlists that a multivariant playlist names: `{name, kind, url}` each. */
export async function renditions(master) {
  const found = [];
  const lines = (await text(master)).split('\n');
  for (const [i, line] of lines.entries()) {
    if (line.startsWith('#EXT-X-STREAM-INF:')) found.push({ kind: 'video', url: new URL(lines[i + 1].trim(), master).href });
    const audio = /^#EXT-X-MEDIA:.*TYPE=AUDIO.*URI="([^"]+)"/.exec(line);
    if (audio) found.push({ kind: 'audio', url: new URL(audio[1], master).href });
  }
  assert.ok(found.some(({ kind }) => kind === 'video') && found.some(({ kind }) => kind === 'audio'), `video and audio in:\n${lines.join('\n')}`);
  return found;
}

/** Reads a media playlist: the init segment and the whole segments it lists. */
export async function playlist(url) {
  const content = await text(url);
  const segments = [];
  let seconds = null;
  for (const line of content.split('\n').map((l) => l.trim())) {
    if (line.startsWith('#EXTINF:')) seconds = parseFloat(line.slice('#EXTINF:'.length));
    if (line === '' || line.startsWith('#') || seconds === null) continue;
    const [, number] = /chunk-stream\w+-(\d+)\.m4s/.exec(line) ?? assert.fail(`segment name ${line} in\n${content}`);
    segments.push({ number: Number(number), seconds, url: new URL(line, url).href });
    seconds = null;
  }
  const init = /#EXT-X-MAP:URI="([^"]+)"/.exec(content);
  return { content, segments, init: init && new URL(init[1], url).href, ended: content.includes('#EXT-X-ENDLIST') };
}

/**
 * Follows a rendition: `take` fetches what is new and keeps it, so that more
 * than the window can be judged at the end.
 */
export class Follower {
  segments = [];

  constructor(rendition) {
    this.rendition = rendition;
  }

  async take() {
    const { init, segments } = await playlist(this.rendition.url);
    this.init ??= await bytes(init);
    const last = this.segments.at(-1)?.number ?? -1;
    for (const segment of segments.filter(({ number }) => number > last)) {
      this.segments.push({ ...segment, bytes: await bytes(segment.url) });
    }
  }

  /** All bytes so far as one file. */
  get file() {
    return Buffer.concat([this.init, ...this.segments.map((segment) => segment.bytes)]);
  }
}

/** Runs a program on some input, with `env` added to its environment, and gives what it said. */
export async function run(program, args, input, env = {}) {
  const child = spawn(program, args, { stdio: ['pipe', 'pipe', 'pipe'], env: { ...process.env, ...env } });
  stopAtExit(child);
  const out = { stdout: '', stderr: '' };
  for (const name of ['stdout', 'stderr']) child[name].setEncoding('utf8').on('data', (piece) => (out[name] += piece));
  child.stdin.on('error', () => {}); // it may stop reading early; its exit code tells
  child.stdin.end(input);
  const [code] = await once(child, 'close');
  return { code, ...out };
}

/** Checks that each segment decodes by itself, without one complaint. */
export async function assertDecodes({ rendition, init, segments }) {
  for (const { number, bytes: content } of segments) {
    const said = await run('ffmpeg', ['-v', 'error', '-xerror', '-i', 'pipe:0', '-f', 'null', '-'], Buffer.concat([init, content]));
    assert.deepEqual(said, { code: 0, stdout: '', stderr: '' }, `segment ${number} of ${rendition.url}`);
  }
}

/**
 * Decodes a file as a whole without one complaint, and gives how many frames came
 * out of it.
 */
export async function decodedFrames(file) {
  const args = ['-v', 'error', '-xerror', '-i', 'pipe:0', '-fps_mode', 'passthrough', '-f', 'framehash', '-hash', 'adler32', '-'];
  const { code, stdout, stderr } = await run('ffmpeg', args, file);
  assert.deepEqual({ code, stderr }, { code: 0, stderr: '' });
  return stdout.split('\n').filter((line) => line !== '' && !line.startsWith('#')).length;
}

/** Checks that segment numbers go up one by one. */
export function assertNoGap({ rendition, segments }) {
  for (const [i, { number }] of segments.entries()) {
    assert.equal(number, segments[0].number + i, `numbers of ${rendition.url}: ${segments.map((s) => s.number)}`);
  }
}

/** The packets of a rendition: their times on the stream clock, in seconds, and whether they are key frames. */
export async function packets({ file, rendition }) {
  const { code, stdout, stderr } = await run(
    'ffprobe',
    ['-v', 'error', '-show_entries', 'packet=pts_time,duration_time,flags', '-of', 'json', '-i', 'pipe:0'],
    file,
  );
  assert.equal(code, 0, `${rendition.url}: ${stderr}`);
  return JSON.parse(stdout).packets.map((packet) => ({
    time: Number(packet.pts_time),
    seconds: Number(packet.duration_time),
    key: packet.flags.startsWith('K'),
  }));
}

/**
 * Checks that every key frame lies on the grid of the stream clock and that
 * each segment of that grid has one. The first of a broadcast comes when the
 * publisher does.
 */
export async function assertKeyFramesOnGrid(follower) {
  const keys = (await packets(follower)).filter(({ key }) => key).map(({ time }) => time);
  const off = keys.slice(1).filter((time) => Math.abs(time - segmentSeconds * Math.round(time / segmentSeconds)) > 0.002);
  assert.deepEqual(off, [], `key frames off the grid in ${follower.rendition.url}: ${keys}`);
  assert.equal(keys.length, follower.segments.length, `one key frame a segment in ${follower.rendition.url}: ${keys}`);
  return keys.length;
}

/** The mean volume of an audio rendition in dB; silence is -91. */
export async function meanVolume(follower) {
  const { stderr } = await run('ffmpeg', ['-v', 'info', '-i', 'pipe:0', '-af', 'volumedetect', '-f', 'null', '-'], follower.file);
  const [, volume] = /mean_volume: (-?[\d.]+) dB/.exec(stderr) ?? assert.fail(stderr);
  return Number(volume);
}

/** The size of the picture in each segment, as decoded. */
export async function pictureSizes({ init, segments }) {
  const sizes = new Set();
  for (const { bytes: content } of segments) {
    const { stdout } = await run(
      'ffprobe',
      ['-v', 'error', '-select_streams', 'v', '-show_entries', 'frame=width,height', '-of', 'csv=p=0:s=x', '-i', 'pipe:0'],
      Buffer.concat([init, content]),
    );
    for (const [size] of stdout.matchAll(/\d+x\d+/g)) sizes.add(size);
  }
  return [...sizes];
}
