// What players and FFmpeg say of the media that is served.

import assert from 'node:assert/strict';

import { inPage } from './lib/browser.mjs';
import { data, preparedStream } from './lib/api.mjs';
import { assertDecodes, assertKeyFramesOnGrid, assertNoGap, Follower, meanVolume, packets, pictureSizes, playlist, renditions } from './lib/media.mjs';
import { assertPlays } from './lib/play.mjs';
import { until } from './lib/processes.mjs';
import { publishFromCommand, publishFromPage } from './lib/publish.mjs';
import { scene } from './lib/scene.mjs';

/** Follows all renditions until each has `segments` of them. */
async function follow(hls, segments) {
  const followers = (await renditions(hls)).map((rendition) => new Follower(rendition));
  await until(`${segments} segments of ${hls}`, async () => {
    await Promise.all(followers.map((follower) => follower.take()));
    return followers.every((follower) => follower.segments.length >= segments);
  }, { timeout: segments * 2000 + 20_000, every: 500 });
  return { video: followers.filter((f) => f.rendition.kind === 'video'), audio: followers.find((f) => f.rendition.kind === 'audio'), all: followers };
}

scene('a browser publishes, players watch', {}, async (it) => {
  const { server, step } = it;
  const { id } = await preparedStream(server, 'Playback');
  const publisher = await publishFromPage(it, id);

  for (const [engine, format] of [['shaka', 'dash'], ['shaka', 'hls'], ['hls', 'hls']]) {
    await step(`${format.toUpperCase()} plays in ${engine === 'hls' ? 'hls.js' : 'Shaka'}`, async (t) => {
      const seen = await assertPlays(it, engine, publisher[format]);
      t.diagnostic(JSON.stringify(seen));
      assert.deepEqual(seen.sizes, ['640x360']);
    });
  }

  await step('segments: numbers without a gap, decodable, key frames on the grid, sound', async (t) => {
    const { video, audio, all } = await follow(publisher.hls, 10);
    for (const follower of all) {
      assertNoGap(follower);
      await assertDecodes(follower);
    }
    for (const follower of video) t.diagnostic(`${await assertKeyFramesOnGrid(follower)} key frames, all on the grid`);
    const volume = await meanVolume(audio);
    t.diagnostic(`mean volume ${volume} dB`);
    assert.ok(volume > -60, `the camera's beeps are not heard: ${volume} dB`);
    const [picture, sound] = [(await packets(video[0])).at(-1).time, (await packets(audio)).at(-1).time];
    t.diagnostic(`last video at ${picture} s, last audio at ${sound} s`);
    assert.ok(Math.abs(picture - sound) < 2, 'audio and video run on one clock');
  });

  await step('the picture keeps its size when the publisher sends a smaller one', async (t) => {
    await publisher.page.evaluate(() => window.scaleDown(2));
    await inPage(publisher.page, 'the browser sends 320 x 180', async () => (await window.sentSize())?.join() === '320,180');
    const before = (await follow(publisher.hls, 1)).video[0].segments.at(-1).number;
    const { video, all } = await until('two more segments', async () => {
      const now = await follow(publisher.hls, 1);
      return now.video[0].segments.at(-1).number >= before + 2 && now;
    }, { timeout: 15_000, every: 500 });
    assert.deepEqual(await pictureSizes(video[0]), ['640x360']);
    for (const follower of all) await assertDecodes({ ...follower, segments: follower.segments.slice(-3) });
    const seen = await assertPlays(it, 'shaka', publisher.dash);
    assert.deepEqual(seen.sizes, ['640x360']);
    t.diagnostic(`still ${seen.sizes}`);
  });

  await step('a second stream, by the command, plays beside it', async (t) => {
    const second = await preparedStream(server, 'Second');
    const command = publishFromCommand(it, second.id);
    const live = await until('the second stream is live', async () => {
      assert.equal(command.child.exitCode, null, command.said);
      const stream = await data(server, 'GET', `/streams/${second.id}`);
      return stream.status === 'live' && stream;
    }, { timeout: 20_000 }).catch((err) => assert.fail(`${err.message}\nthe command said:\n${command.said}`));
    const seen = await assertPlays(it, 'hls', live.hls_url);
    t.diagnostic(JSON.stringify(seen));
    await assertPlays(it, 'shaka', publisher.dash);
    const listed = await data(server, 'GET', '/streams?live=true');
    assert.deepEqual(listed.map((stream) => stream.id), [second.id, id]);
    const { video, audio, all } = await follow(live.hls_url, 4);
    for (const follower of all) {
      assertNoGap(follower);
      await assertDecodes(follower);
    }
    await assertKeyFramesOnGrid(video[0]);
    assert.ok((await meanVolume(audio)) > -60);
  });

  await step('after the end the manifests are complete and still play', async () => {
    const ended = await data(server, 'POST', `/streams/${id}/end`);
    assert.equal(ended.status, 'ended');
    const { content } = await playlist((await renditions(publisher.hls))[0].url);
    assert.match(content, /#EXT-X-ENDLIST/);
    // Players that watch are told the end first, and that it is final some seconds later.
    const mpd = async () => (await fetch(publisher.dash)).text();
    assert.match(await mpd(), /mediaPresentationDuration="/);
    await until('the MPD is final', async () => /type="static"/.test(await mpd()), { timeout: 10_000, every: 500 });
    for (const [engine, format] of [['shaka', 'dash'], ['hls', 'hls']]) await assertPlays(it, engine, publisher[format]);
  });
});
