// Two minutes of a running stream and its end, recorded as players see it and held
// against every rule of lib/lint. docs/conformance.md says which rule is for which
// item; lint.test.mjs sees that each rule finds what breaks it.

import assert from 'node:assert/strict';
import { setTimeout as delay } from 'node:timers/promises';

import { data, preparedStream } from './lib/api.mjs';
import { assertPlaysOn, assertReachesEnd, openPlayer, players } from './lib/conforming.mjs';
import { factsOf, spanOf } from './lib/lint/facts.mjs';
import { rules } from './lib/lint/rules.mjs';
import { noSchema, schemaComplaints, schemaFolder } from './lib/lint/schema.mjs';
import { decodedFrames } from './lib/media.mjs';
import { live, publishFromClip } from './lib/publish.mjs';
import { Recording } from './lib/record/recording.mjs';
import { scene } from './lib/scene.mjs';

/** How long is recorded at least, in ms. */
const least = 120_000;
const settling = 5000;
const watching = 28_000;
/** How long before the end the players are opened that shall come to it. */
const beforeEnd = 8000;

/** The number of the last segment of both pictures and sound, and how long sound goes on after the last picture, in seconds. */
function endOf({ tracks }) {
  const [video, audio] = ['video', 'audio'].map((kind) => {
    const { init, segments } = factsOf(tracks.find((track) => track.kind === kind));
    return { number: segments.at(-1).msn, ...spanOf(segments.at(-1).file, init) };
  });
  return { number: Math.min(video.number, audio.number), soundAfterPictures: Math.max(0, audio.end - video.end) };
}

// The encoder is in a hurry: what it writes is judged, not how it looks.
scene('conformance', { env: { SLUICE_PRESET: 'ultrafast' } }, async (it) => {
  const { server, step, note } = it;
  const { id } = await preparedStream(server, 'Conformance', '480');
  const publisher = await publishFromClip(it, id);
  const { hls_url: hls, dash_url: dash } = await live(it, id, publisher);
  const recording = await new Recording({ hls, dash }).start();

  for (const player of players) {
    await step(`${player.name} plays without an error and without a wait`, async (t) => {
      const page = await openPlayer(it, player, { hls, dash });
      try {
        t.diagnostic(JSON.stringify(await assertPlaysOn(page, { settling, watching })));
      } finally {
        await page.context().close();
      }
    });
  }

  await delay(Math.max(0, recording.startedAt + least - beforeEnd - Date.now()));
  await recording.question();
  const pages = [];
  for (const player of players) pages.push(await openPlayer(it, player, { hls, dash }, player.atEnd));
  await delay(beforeEnd);
  await data(server, 'POST', `/streams/${id}/end`);
  await recording.finish();

  const end = endOf(recording);
  for (const [i, { name }] of players.entries()) await step(`${name} comes to the end`, () => assertReachesEnd(pages[i], end));
  for (const page of pages) await page.context().close();

  await step('everything was recorded', () => {
    assert.ok(recording.endedAt - recording.startedAt >= least);
    assert.deepEqual(recording.tracks.map(({ name }) => name), ['360', '480', 'audio']);
    const perSecond = 1000 / least / recording.tracks[0].newest.partTarget;
    for (const { name, versions, deltas, parts, segments } of recording.tracks) {
      note(`${name}: ${versions.length} playlists, ${deltas.length} deltas, ${parts.size} parts, ${segments.size} segments`);
      // A version is missed when the next part comes before the answer is read.
      assert.ok(versions.length * perSecond > 0.7 && deltas.length * perSecond > 0.7, `${name}: ${versions.length} versions`);
      assert.ok(segments.size >= least / 2000 && parts.size * perSecond > 0.95, `${name}: ${parts.size} parts`);
    }
    assert.ok(recording.mpds.length >= 50 && recording.openSegments.length >= 30);
  });

  await step('D1 each MPD is valid by the schema', { skip: schemaFolder === null && process.env.CI !== 'true' && noSchema }, async (t) => {
    assert.notEqual(schemaFolder, null, noSchema);
    const texts = new Set(recording.mpds.map(({ text }) => text));
    t.diagnostic(`${texts.size} MPDs`);
    for (const text of texts) assert.deepEqual(await schemaComplaints(text, server.options.data), [], text);
  });

  for (const rule of rules) {
    await step(rule.name, () => assert.deepEqual(rule.findings(recording), []));
  }

  for (const track of recording.tracks) {
    await step(`all of ${track.name} decodes, to the last frame`, async (t) => {
      const { segments } = factsOf(track);
      const expected = segments.flatMap(({ file }) => file.fragments).reduce((sum, { samples }) => sum + samples.length, 0);
      const frames = await decodedFrames(Buffer.concat([track.init, ...segments.map(({ bytes }) => bytes)]));
      t.diagnostic(`${frames} frames`);
      assert.equal(frames, expected);
    });
  }
});
