// How soon there is a picture: for a viewer who joins, and for one who waits.

import { setTimeout as delay } from 'node:timers/promises';

import { data } from '../../e2e/lib/api.mjs';
import { percentile, seconds, verdict } from '../lib/figures.mjs';
import { watchPages } from '../lib/players.mjs';
import { prepare, publishCanvas, publishClip } from '../lib/publishers.mjs';
import { tries } from '../lib/settings.mjs';
import { onStage } from '../lib/stage.mjs';
import { firstPicture, watch } from '../lib/viewers.mjs';

const joinGoal = 600; // ms
const startGoal = 1000; // ms

/** How long a stream has run when viewers join it, in ms. */
const running = 8000;

/** Opens a viewer who joins a stream again and again; gives ms after the navigation. */
async function joins(it, player, publish) {
  const { id } = await prepare(it.server, '360');
  const published = await publish(it, id);
  await delay(running);
  const took = [];
  for (let n = 0; n < tries; n++) {
    const page = await watch(it, player, { origin: it.server.origin, id });
    took.push((await firstPicture(page)).after);
    await page.context().close();
  }
  await published.close();
  await data(it.server, 'POST', `/streams/${id}/end`);
  return took;
}

/** Starts streams for which a viewer already waits; gives ms after the start was asked for. */
async function starts(it, player) {
  const took = [];
  for (let n = 0; n < tries; n++) {
    const { id } = await prepare(it.server, '360');
    const page = await watch(it, player, { origin: it.server.origin, id });
    await page.waitForLoadState('networkidle', { timeout: 3000 }).catch(() => {}); // its event stream never rests
    const published = await publishCanvas(it, id);
    took.push((await firstPicture(page)).shown - published.startedAt);
    await page.context().close();
    await published.close();
    await data(it.server, 'POST', `/streams/${id}/end`);
  }
  return took;
}

function row(what, setup, { name }, took, goal) {
  const [p50, p95] = [percentile(took, 0.5), percentile(took, 0.95)];
  return [what, setup, name, seconds(p50), seconds(p95), seconds(Math.max(...took)), seconds(goal), verdict([p50, goal])];
}

/** Measures joins and starts for our watch page by either protocol. */
export async function measure() {
  const rows = await onStage({}, async (it) => {
    const found = [];
    for (const player of watchPages) found.push(row('a viewer joins', 'a', player, await joins(it, player, publishCanvas), joinGoal));
    for (const player of watchPages) found.push(row('a viewer joins', 'clip', player, await joins(it, player, publishClip), joinGoal));
    for (const player of watchPages) found.push(row('the stream starts', 'a', player, await starts(it, player), startGoal));
    return found;
  });
  return {
    title: 'First picture',
    method:
      `Seconds, ${tries} times each. *A viewer joins*: from the navigation to a running stream's watch page, in an open window with nothing cached, ` +
      'to the first picture with a stamp. *The stream starts*: the watch page is open before; from the call of `start` to the first picture. ' +
      'Set-up *a*, `quality` 360: a second browser that draws and encodes runs on the same cores. *Clip*: the same ladder, published as in set-up *b*, without one.',
    goal: 'p50 as in the table.',
    columns: ['what', 'set-up', 'player', 'p50', 'p95', 'most', 'goal', ''],
    rows,
  };
}
