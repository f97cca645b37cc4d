// Glass to glass, by what the pixels say.

import { setTimeout as delay } from 'node:timers/promises';

import { seconds, verdict } from '../lib/figures.mjs';
import { relayedGoal, stockPlayers, watchPages } from '../lib/players.mjs';
import { prepare, publishCanvas, publishClip } from '../lib/publishers.mjs';
import { startRelay } from '../lib/relay.mjs';
import { players, secondsEach, setups as chosenSetups } from '../lib/settings.mjs';
import { onStage } from '../lib/stage.mjs';
import { firstPicture, watch, whatWasSeen } from '../lib/viewers.mjs';

/** What a player needs to find its place, in ms, and is not counted. */
const settling = 10_000;

const all = [...watchPages, ...stockPlayers];

const setups = [
  { id: 'a', name: 'a', quality: '360', publish: publishCanvas, players: all },
  { id: 'b', name: 'b', quality: '720', publish: publishClip, players: all },
  {
    id: 'relay',
    name: 'a, through the relay',
    quality: '360',
    publish: publishCanvas,
    relay: startRelay,
    players: watchPages.map((player) => ({ ...player, goal: relayedGoal })),
  },
];

const isChosen = ({ name }) => players === null || players.some((part) => name.includes(part));

async function measurePlayer(it, player, stream, sentAt) {
  const page = await watch(it, player, stream);
  try {
    const { shown } = await firstPicture(page);
    await delay(settling + secondsEach * 1000);
    return await whatWasSeen(page, shown + settling, await sentAt());
  } finally {
    await page.context().close();
  }
}

function row(setup, { name, goal }, seen) {
  const target = `${seconds(goal.p50)} / ${seconds(goal.p95)}`;
  if (seen instanceof Error) return [setup, name, '–', '–', '–', '–', '–', '–', '–', '–', target, `does not play: ${seen.message.split('\n')[0]}`, String(secondsEach)];
  const reached = verdict([seen.p50, goal.p50], [seen.p95, goal.p95]);
  return [
    setup, name, seconds(seen.p50), seconds(seen.p95), seconds(seen.drift), String(seen.stalls), seconds(seen.longestStill), seen.perSecond.toFixed(0),
    `${seen.rateMean.toFixed(3)} / ${seen.rateMost.toFixed(2)}`, String(seen.height), target, seen.stalls > 0 ? `${reached}, but it stalls` : reached, String(secondsEach),
  ];
}

async function measureSetup(setup) {
  const chosen = setup.players.filter(isChosen);
  if (chosen.length === 0 || (chosenSetups && !chosenSetups.includes(setup.id))) return [];
  return onStage({}, async (it) => {
    const relay = await setup.relay?.(it);
    const { id } = await prepare(it.server, setup.quality);
    const published = await setup.publish(it, id, relay);
    const stream = { ...published, id, origin: relay?.origin ?? it.server.origin };
    const rows = [];
    for (const player of chosen) {
      const seen = await measurePlayer(it, player, stream, published.sentAt).catch((err) => err);
      rows.push(row(setup.name, player, seen));
      console.log(`  ${rows.at(-1).join('  ')}`);
    }
    return rows;
  });
}

/** Measures every player in every set-up, one after the other. */
export async function measure() {
  const known = setups.map(({ id }) => id);
  const unknown = chosenSetups?.filter((id) => !known.includes(id)) ?? [];
  if (unknown.length > 0) throw new Error(`there is no set-up ${unknown.join(', ')}; there are ${known.join(', ')}`);
  const nobody = players?.filter((part) => !all.some(({ name }) => name.includes(part))) ?? [];
  if (nobody.length > 0) throw new Error(`there is no player ${nobody.join(', ')}; there are ${all.map(({ name }) => name).join('; ')}`);
  const rows = [];
  for (const setup of setups) rows.push(...(await measureSetup(setup)));
  return {
    title: 'Latency, glass to glass',
    method:
      `A stamp in the picture says when it was taken; a script beside the player reads it off every picture when the browser shows it. Figures are in seconds; *over* says how many were measured, after the first ten. ` +
      `Set-up *a*: Chromium publishes a canvas of 640×360, \`quality\` 360. ` +
      'Set-up *b*: `sluice publish --as-is` sends a clip of 1280×720 at 2 Mb/s, encoded beforehand, whose frames carry their number, and notes when it sent each: ' +
      'the ladder up to 720, without what a camera and a publisher’s encoder add. The relay adds 30 ± 15 ms each way to every packet of viewer and publisher. ' +
      'Stock players are as they come, with low latency on (hls.js: `lowLatencyMode`, `maxLiveSyncPlaybackRate` 1.5). ' +
      'Drift is p50 of the last sixth of the time less that of the first; a stall is a picture that stands still for more than 0.3 s; the rate is the mean and the highest playback rate.',
    goal: 'p50 and p95 as in the table, without a stall.',
    columns: ['set-up', 'player', 'p50', 'p95', 'drift', 'stalls', 'longest still', 'pictures/s', 'rate', 'lines', 'goal', '', 'over'],
    rows,
    // A run of some rows leaves the others as they were.
    allRows: setups.flatMap((setup) => setup.players.map(({ name }) => [setup.name, name])),
  };
}
