// What a stream costs: FFmpeg, against the same encode without us, and ourselves.

import { setTimeout as delay } from 'node:timers/promises';

import { data } from '../../e2e/lib/api.mjs';
import { makeClip } from '../lib/clip.mjs';
import { coreShares } from '../lib/cpu.mjs';
import { startBare } from '../lib/encoders.mjs';
import { percent, verdict } from '../lib/figures.mjs';
import { prepare, publishClip } from '../lib/publishers.mjs';
import { cpuSeconds } from '../lib/settings.mjs';
import { onStage } from '../lib/stage.mjs';

const qualities = ['360', '480', '720'];
const ratioGoal = 1.05;
const serverGoal = 0.02; // of a core, with 2 Mb/s coming in

/** How long encoders run before they are measured, in ms. */
const warming = 5000;

/** The shares of a core that the server, its FFmpeg and the bare FFmpeg use at the same time. */
async function shares(it, quality) {
  const { mkv } = await makeClip();
  const { id } = await prepare(it.server, quality);
  const published = await publishClip(it, id);
  // Beside the encoder FFmpeg may still be making the slate.
  await delay(warming);
  const [encoder] = await it.server.encoders();
  const bare = await startBare(encoder, mkv);
  await delay(warming);
  const found = await coreShares([it.server.pid, encoder, bare.pid], cpuSeconds);
  await bare.stop();
  await published.close();
  await data(it.server, 'POST', `/streams/${id}/end`).catch(() => {}); // the publisher may have ended it
  return found;
}

/** Measures ladders of one, two and three rungs. */
export async function measure() {
  const rows = [];
  const rungs = [];
  await onStage({ browser: false }, async (it) => {
    let below = 0;
    for (const quality of qualities) {
      const [server, encoder, bare] = await shares(it, quality);
      rows.push([
        `up to ${quality}`, percent(encoder), percent(bare), (encoder / bare).toFixed(3), verdict([encoder / bare, ratioGoal]),
        percent(server), verdict([server, serverGoal]),
      ]);
      console.log(`  ${rows.at(-1).join('  ')}`);
      rungs.push(`${quality}: ${percent(encoder - below)}`);
      below = encoder;
    }
  });
  return {
    title: 'CPU of a stream',
    method:
      `Shares of one core over ${cpuSeconds} s, nobody watching. The clip of set-up *b* comes in: VP8, 1280×720, 2 Mb/s, and Opus. ` +
      '*Bare* is the same FFmpeg with the same arguments, reading the clip from a file at its own pace and throwing its output away, run **at the same time**, so that what else the machine does weighs on both. ' +
      '*Server* is everything but FFmpeg: WebRTC, the stream clock, packaging.',
    goal: `FFmpeg at most ${ratioGoal} × bare; the server at most ${percent(serverGoal)} of a core for each publisher.`,
    columns: ['ladder', 'FFmpeg', 'bare', 'ratio', '', 'server', ''],
    rows,
    notes: [`FFmpeg by rung, each ladder less the one below: ${rungs.join(', ')}; the lowest includes decoding and sound.`],
  };
}
