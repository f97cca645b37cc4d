// Programs of others that play a stream, and what comes of it: when the first frame
// is there, how far behind the live edge it stays, how often it stops, and what it
// asked the server for. Frames are those of `sluice publish`, whose stamp says when
// each was taken.

import { spawn } from 'node:child_process';
import { once } from 'node:events';
import { readFile } from 'node:fs/promises';
import { setTimeout as delay } from 'node:timers/promises';

import { openPage } from './browser.mjs';
import { stopAtExit } from './processes.mjs';

/** A picture stands still when nothing new is seen for this long, in ms. */
const still = 1000;

/** The value in the middle. */
const median = (values) => [...values].sort((a, b) => a - b)[Math.floor(values.length / 2)] ?? NaN;

/**
 * FFmpeg has no clock and no buffer: it hands on a segment's frames when it has
 * read them. What is longer than a segment and a busy machine's delay is a stop.
 */
const stillOfFFmpeg = 3000;

/** What frames say, each [when it was seen, when it was taken]; the first seconds are left out of the distance. */
export function judge(began, frames, until, longest = still, settling = 5000) {
  const seen = frames.map(([at]) => at);
  const gaps = [...seen.slice(1), until].map((at, i) => at - seen[i]);
  const later = frames.filter(([at]) => at > (seen[0] ?? 0) + settling);
  return {
    firstFrame: seen.length ? (seen[0] - began) / 1000 : NaN,
    stops: gaps.filter((gap) => gap > longest).length,
    behind: median(later.map(([at, taken]) => (at - taken) / 1000)),
  };
}

/** What a server was asked for since its log had a length: it has to log at level debug. */
export function asked(server, since) {
  const lines = server.log.slice(since).split('\n').filter((line) => /msg=request /.test(line) && / path=\/(streams\/|time)/.test(line));
  const refused = lines.filter((line) => / status=(404|410) /.test(line)).map((line) => / path=(\S+)/.exec(line)[1]);
  const segments = lines.map((line) => /time=(\S+) .* path=\S*(?:chunk|part)-stream\w+-(\d+)[-.].* duration=(\S+) /.exec(line)).filter(Boolean)
    .map(([, at, number, took]) => ({ at: Date.parse(at) - goMilliseconds(took), number: Number(number) }));
  return { requests: lines.length, refused, segments };
}

/** A duration as Go writes it, in ms. */
function goMilliseconds(text) {
  const units = { h: 3_600_000, m: 60_000, s: 1000, ms: 1, 'µs': 0.001, ns: 0.000_001 };
  return [...text.matchAll(/([\d.]+)(h|ms|m|s|µs|ns)/g)].reduce((sum, [, value, unit]) => sum + value * units[unit], 0);
}

/**
 * How long after its first frame was taken each segment was asked for, in the
 * middle of all, in seconds: the most that is known of where a program is that
 * shows its frames to no script. `zero` is when the stream clock was zero.
 */
export function askedBehind(segments, zero) {
  return median(segments.slice(Math.floor(segments.length / 3)).map(({ at, number }) => (at - zero) / 1000 - 2 * number));
}

const stamps = await readFile(new URL('../pages/stamp.js', import.meta.url), 'utf8');

/** Opens our watch page in Chromium and lets it play. */
export function watchInChromium(scene, url, seconds) {
  return seenInChromium(scene, url, seconds, `${stamps}; window.watchStamps(() => document.querySelector('video'));`);
}

/** Opens a page with a player in Chromium and lets it play. */
export function playInChromium(scene, player, url, seconds) {
  return seenInChromium(scene, `${scene.site.origin}/foreign.html?told=${encodeURIComponent(JSON.stringify({ player, url }))}`, seconds, '');
}

async function seenInChromium({ browser }, address, seconds, script) {
  const page = await openPage(browser);
  if (script) await page.addInitScript(script);
  await page.goto(address);
  try {
    await delay(seconds * 1000);
    const { began, frames } = await page.evaluate(() => window.watched);
    return { ...judge(began, frames, Date.now()), said: page.said.slice(-5) };
  } finally {
    await page.context().close();
  }
}

/** Runs a program until time is up; gives what `take` makes of its output, and its last words. */
export async function run(program, args, seconds, take = () => undefined, env = {}) {
  const child = spawn(program, args, { stdio: ['ignore', 'pipe', 'pipe'], env: { ...process.env, ...env } });
  stopAtExit(child);
  let said = '';
  child.stdout.on('data', take);
  child.stderr.on('data', (bytes) => (said = (said + bytes).slice(-2000)));
  const exited = once(child, 'exit');
  await Promise.race([delay(seconds * 1000), exited]);
  const early = child.exitCode !== null || child.signalCode !== null;
  if (!early) {
    child.kill('SIGTERM');
    const patience = setTimeout(() => child.kill('SIGKILL'), 3000);
    await exited;
    clearTimeout(patience);
  }
  return { said, early };
}

/** The stamp's place in a frame, one pixel a block: 72 bytes a frame. */
const stamp = 'crop=iw*24/40:ih*6/45:iw*8/40:ih*36/45,scale=24:3:flags=area,format=gray';

/** When a frame of 72 pixels says that it was taken; null when it says nothing. */
function takenAt(pixels) {
  const [high, low, check] = [0, 1, 2].map((line) => pixels.subarray(24 * line, 24 * line + 24).reduce((bits, grey) => (bits << 1) | (grey > 128 ? 1 : 0), 0));
  return (high ^ low ^ 0x555555) === check && low ? high * 2 ** 24 + low : null;
}

/** Lets FFmpeg's demuxers and decoders play. It has no clock of its own: what is there, it takes. */
export async function playInFFmpeg(url, seconds) {
  const frames = [];
  let rest = Buffer.alloc(0);
  const began = Date.now();
  const take = (bytes) => {
    rest = Buffer.concat([rest, bytes]);
    for (; rest.length >= 72; rest = rest.subarray(72)) {
      const taken = takenAt(rest.subarray(0, 72));
      if (taken) frames.push([Date.now(), taken]);
    }
  };
  const args = ['-hide_banner', '-nostdin', '-loglevel', 'error', '-i', url, '-map', '0:v:0', '-vf', stamp, '-f', 'rawvideo', '-flush_packets', '1', 'pipe:1', '-map', '0:a:0', '-f', 'null', '-'];
  const { said, early } = await run('ffmpeg', args, seconds, take);
  return { ...judge(began, frames, Date.now(), stillOfFFmpeg), said, early };
}
