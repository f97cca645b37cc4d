// Publishers: a page with a camera, and the command.

import { spawn } from 'node:child_process';
import { once } from 'node:events';
import path from 'node:path';

import { data } from './api.mjs';
import { evaluate, openPage } from './browser.mjs';
import { ffmpeg, makeTone, vp8 } from './ffmpeg.mjs';
import { stopAtExit, until } from './processes.mjs';
import { binary } from './server.mjs';

/** The camera size that one rung of 360 lines and two cores like. */
export const small = { width: 640, height: 360 };

/** Opens a page that publishes to a prepared stream; gives the page and the manifests. */
export async function publishFromPage({ server, site, browser }, id, size = small) {
  const page = await openPage(browser, `${site.origin}/publish.html`);
  const manifests = await evaluate(
    page,
    `a page publishes stream ${id}`,
    ([origin, key, stream, camera]) => window.publish({ origin, key }, stream, camera),
    [server.origin, server.key, id, size],
  );
  return { page, ...manifests };
}

/** Waits until a stream that a command publishes to is live, and gives it. */
export async function live({ server }, id, publisher) {
  return until(`stream ${id} is live`, async () => {
    const stream = await data(server, 'GET', `/streams/${id}`);
    return stream.status === 'live' && stream;
  }, { timeout: 20_000 }).catch((err) => {
    throw new Error(`${err.message}\nthe publisher said:\n${publisher.said}`);
  });
}

/** Starts `sluice publish` to a stream; it ends with the scene. */
export function publishFromCommand(scene, id, { duration = '10m', quality = '360', codec = 'vp8', file, asIs = false, tcp = false } = {}) {
  const flags = ['publish', '--server', scene.server.origin, '--key', scene.server.key, '--stream', String(id), '--quality', quality, '--codec', codec, '--duration', duration];
  if (asIs) flags.push('--as-is', '--loop');
  if (tcp) flags.push('--tcp');
  const child = spawn(binary, file ? [...flags, file] : flags, { stdio: ['ignore', 'pipe', 'pipe'] });
  stopAtExit(child);
  const publisher = { child, said: '', exited: once(child, 'exit').then(([code, signal]) => ({ code, signal })) };
  for (const stream of [child.stdout, child.stderr]) stream.setEncoding('utf8').on('data', (text) => (publisher.said += text));
  scene.after(async () => {
    child.kill('SIGTERM');
    await publisher.exited;
  });
  return publisher;
}

/** Makes a clip of 854x480 with a tone, encoded beforehand, in the scene's folder; gives its name. */
export async function makeClip(scene) {
  const clip = path.join(scene.server.options.data, 'clip');
  const seconds = 10;
  await ffmpeg('-f', 'lavfi', '-i', 'testsrc2=size=854x480:rate=30', '-t', String(seconds), ...vp8, '-b:v', '1M', '-g', '30', `${clip}.ivf`);
  await makeTone(`${clip}.ogg`, seconds);
  return `${clip}.ivf`;
}

/**
 * Starts `sluice publish` with such a clip: its frames keep up with its audio
 * however busy the machine is.
 */
export async function publishFromClip(scene, id) {
  return publishFromCommand(scene, id, { file: await makeClip(scene), asIs: true });
}
