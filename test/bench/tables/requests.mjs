// CPU time of a request, against nginx.

import { setTimeout as delay } from 'node:timers/promises';

import { playlist, renditions } from '../../e2e/lib/media.mjs';
import { openConnections } from '../lib/connection.mjs';
import { cpuTime } from '../lib/cpu.mjs';
import { median, verdict } from '../lib/figures.mjs';
import { startNginx } from '../lib/nginx.mjs';
import { prepare, publishClip } from '../lib/publishers.mjs';
import { secondsEach } from '../lib/settings.mjs';
import { onStage } from '../lib/stage.mjs';

const goal = 1.2;
const connections = 8;

/** One slice is this long, in seconds, and there are so many pairs of them. */
const slice = Math.min(secondsEach, 3);
const pairs = 6;

/** How long a stream runs before it ends and is served as it is, in ms. */
const running = 12_000;

/** What is asked for, and about how large it shall be, in bytes. */
const kinds = [
  { name: 'playlist', size: 2e3, like: /\.m3u8$/ },
  { name: 'part', size: 40e3, like: /part-stream.*\.m4s$/ },
  { name: 'segment', size: 256e3, like: /chunk-stream(?!audio).*\.m4s$/ },
];

async function fetched(url) {
  const response = await fetch(url);
  return response.ok ? { path: new URL(url).pathname, content: Buffer.from(await response.arrayBuffer()) } : null;
}

/** Everything that the playlists of a stream name and that can still be had. */
async function objects(hls, parts) {
  const urls = new Set(parts);
  for (const { url } of await renditions(hls)) {
    urls.add(url);
    for (const segment of (await playlist(url)).segments) urls.add(segment.url);
  }
  return (await Promise.all([...urls].map(fetched))).filter(Boolean);
}

/** The parts that the playlists name now. */
async function partsOf(hls) {
  const found = [];
  for (const { url } of await renditions(hls)) {
    const { content } = await playlist(url);
    for (const [, uri] of content.matchAll(/^#EXT-X-PART:.*URI="([^"]+)"/gm)) found.push(new URL(uri, url).href);
  }
  return found;
}

/** Asks for one path on all connections for a slice; gives the CPU time of a request, in µs. */
async function costOf(opened, pid, path) {
  const end = performance.now() + slice * 1000;
  const before = await cpuTime(pid);
  let count = 0;
  await Promise.all(opened.map(async (connection) => {
    while (performance.now() < end) {
      const { status } = await connection.get(path);
      if (status !== 200) throw new Error(`${path} answered ${status}`);
      count += 1;
    }
  }));
  return ((await cpuTime(pid)) - before) * 1e6 / count;
}

async function compare(ours, theirs, { path }) {
  const costs = { ours: [], theirs: [] };
  for (let n = 0; n < pairs; n++) {
    costs.ours.push(await costOf(ours.opened, ours.pid, path));
    costs.theirs.push(await costOf(theirs.opened, theirs.pid, path));
  }
  const ratio = median(costs.ours.map((cost, i) => cost / costs.theirs[i]));
  return { ours: median(costs.ours), theirs: median(costs.theirs), ratio };
}

/** Publishes a stream and ends it; gives what can be had of it. */
async function endedStream(it) {
  const { id } = await prepare(it.server, '720');
  const { hls, close } = await publishClip(it, id);
  await delay(running);
  const parts = await partsOf(hls);
  await close();
  return objects(hls, parts);
}

/** Measures one kind of file, with a stream of its own: what has ended is kept for a while only. */
async function measureKind({ name, size, like }) {
  return onStage({ browser: false }, async (it) => {
    const had = (await endedStream(it)).filter(({ path }) => like.test(path));
    if (had.length === 0) return [name, '–', '–', '–', '–', 'no such file can be had'];
    const file = had.reduce((a, b) => (Math.abs(b.content.length - size) < Math.abs(a.content.length - size) ? b : a));
    const nginx = await startNginx(it, { [file.path]: file.content });
    const ours = { pid: it.server.pid, opened: await openConnections(it.server.origin, connections) };
    const theirs = { pid: nginx.worker, opened: await openConnections(nginx.origin, connections) };
    it.after(() => [...ours.opened, ...theirs.opened].forEach((connection) => connection.close()));
    const cost = await compare(ours, theirs, file);
    return [name, `${(file.content.length / 1000).toFixed(1)} kB`, cost.ours.toFixed(1), cost.theirs.toFixed(1), cost.ratio.toFixed(2), verdict([cost.ratio, goal])];
  });
}

/** Measures the three kinds of files. */
export async function measure() {
  const rows = [];
  for (const kind of kinds) {
    rows.push(await measureKind(kind));
    console.log(`  ${rows.at(-1).join('  ')}`);
  }
  return {
    title: 'CPU time of a request',
    method:
      `CPU time (user and system) of the server process in µs a request, against one nginx worker (\`sendfile\`, \`open_file_cache\`, no access log) with the same bytes: ` +
      `${connections} keep-alive connections over HTTP/1.1 ask as fast as they are answered, in slices of ${slice} s by turns, ours and nginx's, ${pairs} times; medians. ` +
      'The stream has ended, so that nothing but requests is counted; of its files the nearest in size to 2, 40 and 256 kB are taken.',
    goal: `at most ${goal} × nginx.`,
    columns: ['file', 'size', 'Sluice, µs', 'nginx, µs', 'ratio', ''],
    rows,
  };
}
