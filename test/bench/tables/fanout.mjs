// How soon many waiting viewers hear of a new part.

import { percentile } from '../lib/figures.mjs';
import { cpuTime } from '../lib/cpu.mjs';
import { prepare, publishClip } from '../lib/publishers.mjs';
import { secondsEach, waiters } from '../lib/settings.mjs';
import { onStage } from '../lib/stage.mjs';
import { Waiters } from '../lib/waiters.mjs';

/** A segment lasts two seconds, and every other round may be too late to wait. */
const rounds = Math.max(3, Math.min(20, Math.floor(secondsEach / 4)));

/** Measures rounds of blocking reloads. */
export async function measure() {
  const rows = await onStage({ browser: false }, async (it) => {
    const { id } = await prepare(it.server, '360');
    const { hls } = await publishClip(it, id);
    const viewers = await new Waiters().open(hls, waiters);
    it.after(() => viewers.close());
    const delays = [];
    const spans = [];
    let spent = 0;
    for (let taken = 0; taken < rounds; ) {
      const before = await cpuTime(it.server.pid);
      const round = await viewers.round();
      if (round === null) continue;
      spent += (await cpuTime(it.server.pid)) - before;
      taken += 1;
      delays.push(...round);
      spans.push(Math.max(...round));
    }
    const cpu = (spent * 1e6) / delays.length;
    const ms = (value) => value.toFixed(1);
    return [[String(waiters), String(rounds), ms(percentile(delays, 0.5)), ms(percentile(delays, 0.99)), ms(Math.max(...spans)), cpu.toFixed(0)]];
  });
  return {
    title: 'Blocking reload: one part, many waiters',
    method:
      'Every viewer has a connection of its own and asks for the playlist with the first part of the next segment (`_HLS_msn`, `_HLS_part=0`), before that part is there. ' +
      'Milliseconds from the first viewer’s answer to each one’s, all rounds together; what reads the answers is one Node.js process on the same machine, and its share is in the figure. ' +
      'CPU is the server’s in µs for each answer, ingest included.',
    goal: 'none; for comparison with the length of a part.',
    columns: ['waiters', 'rounds', 'p50', 'p99', 'last', 'CPU, µs'],
    rows,
  };
}
