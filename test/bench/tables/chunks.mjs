// What shorter chunks buy, and what they cost.

import { setTimeout as delay } from 'node:timers/promises';

import { coreShares } from '../lib/cpu.mjs';
import { percent, seconds } from '../lib/figures.mjs';
import { watchPages } from '../lib/players.mjs';
import { prepare, publishCanvas } from '../lib/publishers.mjs';
import { secondsEach } from '../lib/settings.mjs';
import { onStage } from '../lib/stage.mjs';
import { firstPicture, watch, whatWasSeen } from '../lib/viewers.mjs';

const lengths = ['66ms', '100ms', '133ms', '200ms'];
const settling = 10_000; // ms

/** A minute tells the lengths apart. */
const measured = Math.min(secondsEach, 60);

async function row(it, length, player, stream) {
  const page = await watch(it, player, stream);
  let requests = 0;
  try {
    await firstPicture(page);
    await delay(settling);
    const from = Date.now();
    page.on('request', () => (requests += 1));
    const [server, encoder] = await coreShares([it.server.pid, ...(await it.server.encoders())], measured);
    const seen = await whatWasSeen(page, from, await stream.sentAt());
    return [length, player.name, seconds(seen.p50), seconds(seen.p95), String(seen.stalls), (requests / measured).toFixed(1), percent(server), percent(encoder)];
  } finally {
    await page.context().close();
  }
}

/** Measures our watch page with each length of chunk. */
export async function measure() {
  const rows = [];
  for (const length of lengths) {
    await onStage({ env: { SLUICE_CHUNK: length } }, async (it) => {
      const { id } = await prepare(it.server, '360');
      const stream = { ...(await publishCanvas(it, id)), id, origin: it.server.origin };
      for (const player of watchPages) {
        rows.push(await row(it, length, player, stream));
        console.log(`  ${rows.at(-1).join('  ')}`);
      }
    });
  }
  return {
    title: 'Length of chunks and parts',
    method:
      `Set-up *a*, our watch page, one viewer, ${measured} s a row after the first 10 s, a server of its own for each \`SLUICE_CHUNK\`. ` +
      'Latency in seconds; requests a second of the one viewer; CPU in shares of one core, of the server (ingest, packaging, delivery) and of FFmpeg.',
    goal: 'none; it chooses the default.',
    columns: ['chunk', 'player', 'p50', 'p95', 'stalls', 'requests/s', 'server CPU', 'FFmpeg CPU'],
    rows,
  };
}
