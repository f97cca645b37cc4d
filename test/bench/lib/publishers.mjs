// Who publishes: a browser with a stamped canvas, or the command with a clip.

import { spawn } from 'node:child_process';
import { once } from 'node:events';
import { readFile } from 'node:fs/promises';
import path from 'node:path';

import { data } from '../../e2e/lib/api.mjs';
import { evaluate, openPage } from '../../e2e/lib/browser.mjs';
import { stopAtExit, until } from '../../e2e/lib/processes.mjs';
import { binary } from '../../e2e/lib/server.mjs';
import { makeClip } from './clip.mjs';

/** Creates and prepares a stream. */
export async function prepare(server, quality) {
  const { id } = await data(server, 'POST', '/streams/create', { body: { name: `Benchmark ${quality}`, quality } });
  return data(server, 'POST', `/streams/${id}/prepare`);
}

/** Publishes the stamped canvas of a browser, through a relay when one is given. */
export async function publishCanvas({ server, site, browser }, id, relay) {
  const page = await openPage(browser, `${site.origin}/canvas.html`);
  const api = { origin: relay?.origin ?? server.origin, key: server.key };
  const started = await evaluate(page, 'a canvas is published', ([to, stream, port]) => window.publishCanvas(to, stream, port), [api, id, relay?.udpPort]);
  // A stamp is the time itself.
  return { ...started, close: () => page.context().close(), sentAt: async () => (stamp) => stamp };
}

/** Publishes the clip, which costs no encoding; `sentAt` tells when a frame was sent. */
export async function publishClip({ server, after }, id) {
  const { ivf } = await makeClip();
  const log = path.join(server.options.data, `frames-${id}.log`);
  const child = spawn(binary, ['publish', '--server', server.origin, '--key', server.key, '--stream', String(id), '--as-is', '--loop', '--frame-log', log, ivf], { stdio: ['ignore', 'ignore', 'pipe'] });
  stopAtExit(child);
  let said = '';
  child.stderr.setEncoding('utf8').on('data', (text) => (said += text));
  const exited = once(child, 'exit');
  const close = async () => {
    child.kill('SIGTERM');
    await exited;
  };
  after(close);
  const { hls_url: hls, dash_url: dash } = await until(`stream ${id} is live`, async () => {
    if (child.exitCode !== null) throw new Error(said);
    const stream = await data(server, 'GET', `/streams/${id}`);
    return stream.status === 'live' && stream;
  }, { timeout: 20_000 });
  return { hls, dash, close, sentAt: async () => lookup(await readFile(log, 'utf8')) };
}

/** When the frame of a number was sent last before a time: the clip loops. */
function lookup(log) {
  const sent = new Map();
  for (const line of log.split('\n').slice(0, -1)) {
    const [number, ms] = line.split(' ').map(Number);
    if (!sent.has(number)) sent.set(number, []);
    sent.get(number).push(ms);
  }
  return (number, seen) => sent.get(number)?.findLast((ms) => ms <= seen) ?? NaN;
}
