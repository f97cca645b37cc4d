// What a stream, and viewers who wait, take of memory.

import { setTimeout as delay } from 'node:timers/promises';

import { residentMemory } from '../../e2e/lib/processes.mjs';
import { megabytes } from '../lib/figures.mjs';
import { prepare, publishClip } from '../lib/publishers.mjs';
import { secondsEach, waiters } from '../lib/settings.mjs';
import { onStage } from '../lib/stage.mjs';
import { Waiters } from '../lib/waiters.mjs';

/** The time a window needs to fill, in seconds. */
const filling = Math.min(secondsEach, 90);

const rounds = 5;

async function measureStream(quality, viewersToo) {
  return onStage({ browser: false }, async (it) => {
    const memory = () => residentMemory(it.server.pid);
    const idle = await memory();
    const { id } = await prepare(it.server, quality);
    const { hls } = await publishClip(it, id);
    await delay(filling * 1000);
    const full = await memory();
    const [encoder] = await it.server.encoders();
    const rows = [[`a stream up to ${quality}`, megabytes(idle), megabytes(full), megabytes(full - idle), megabytes(await residentMemory(encoder))]];
    if (!viewersToo) return rows;
    const viewers = await new Waiters().open(hls, waiters);
    it.after(() => viewers.close());
    for (let n = 0; n < rounds; n++) await viewers.round();
    const most = await memory();
    rows.push(['1,000 viewers who wait', megabytes(full), megabytes(most), megabytes(((most - full) * 1000) / waiters), '–']);
    return rows;
  });
}

/** Measures streams of one and of three rungs, and viewers. */
export async function measure() {
  return {
    title: 'Memory',
    method:
      `Resident memory in MB. A stream: before, and ${filling} s after it began, when its window is full. ` +
      `Viewers: ${waiters} blocking reloads of one playlist, each on a connection of its own, after ${rounds} rounds of answers; *more* is for 1,000 of them.`,
    goal: 'none.',
    columns: ['what', 'before', 'after', 'more', 'FFmpeg'],
    rows: [...(await measureStream('720', false)), ...(await measureStream('360', true))],
  };
}
