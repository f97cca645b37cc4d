// What must survive, and how wrong input is refused.

import assert from 'node:assert/strict';
import { setTimeout as delay } from 'node:timers/promises';

import { call, data, Events, preparedStream } from './lib/api.mjs';
import { playlist, renditions, run } from './lib/media.mjs';
import { isRunning, until } from './lib/processes.mjs';
import { publishFromCommand } from './lib/publish.mjs';
import { scene } from './lib/scene.mjs';
import { binary } from './lib/server.mjs';

/** Publishes by the command and waits until the stream is live. */
async function liveStream(it, name) {
  const { id } = await preparedStream(it.server, name);
  const publisher = publishFromCommand(it, id);
  const stream = await until(`stream ${id} is live`, async () => {
    const now = await data(it.server, 'GET', `/streams/${id}`);
    return now.status === 'live' && now;
  }, { timeout: 20_000 }).catch((err) => assert.fail(`${err.message}\nthe publisher said:\n${publisher.said}`));
  return { ...stream, publisher };
}

/** The number of the newest whole video segment. */
async function newest(hls) {
  const [video] = (await renditions(hls)).filter(({ kind }) => kind === 'video');
  return (await playlist(video.url)).segments.at(-1)?.number ?? -1;
}

/** Makes a key of an account of its own, as an operator does beside a running server. */
async function keyOfAnotherAccount({ options }) {
  const { code, stdout, stderr } = await run(binary, ['key', 'create', '--account', 'stranger', '--data', options.data]);
  assert.equal(code, 0, stderr);
  return /sluice_\w+/.exec(stdout)?.[0] ?? assert.fail(stdout);
}

scene('an encoder that is killed is replaced', { browser: false }, async (it) => {
  const { server, step } = it;
  const { id, hls_url: hls } = await liveStream(it, 'Encoder killed');
  const events = await new Events(server, id).open();
  it.after(() => events.close());

  await step('streamError comes within a second', async (t) => {
    // Beside the encoder FFmpeg may still be making the slate.
    const encoders = await until('one encoder runs', async () => {
      const running = await server.encoders();
      return running.length === 1 && running;
    });
    const at = Date.now();
    process.kill(encoders[0], 'SIGKILL');
    const event = await events.wait('streamError', 5000);
    t.diagnostic(`streamError after ${event.at - at} ms: ${event.data}`);
    assert.ok(event.at - at < 1000);
    const { code, message } = JSON.parse(event.data);
    assert.ok(code && message, event.data);
  });

  await step('another encoder takes over in the same numbering', async () => {
    await until('one new encoder', async () => (await server.encoders()).length === 1);
    const before = await newest(hls);
    await until('new segments', async () => (await newest(hls)) >= before + 2, { timeout: 15_000 });
    const stream = await data(server, 'GET', `/streams/${id}`);
    assert.equal(stream.status, 'live');
    assert.equal(stream.end_time, null);
  });
});

scene('a server that is killed leaves nothing behind and loses nothing', { browser: false }, async (it) => {
  const { server, step } = it;
  const { id, hls_url: hls } = await liveStream(it, 'Server killed');
  let lastMedia;

  await step('its encoders die with it', async () => {
    const first = await newest(hls);
    await until('some seconds of media', async () => (await newest(hls)) >= first + 3, { timeout: 15_000 });
    const encoders = await server.encoders();
    assert.equal(encoders.length, 1);
    await server.signal('SIGKILL');
    lastMedia = Date.now();
    for (const pid of encoders) await until(`ffmpeg ${pid} is gone`, async () => !(await isRunning(pid)), { timeout: 3000 });
  });

  await step('after a restart the stream is ended, billed no later than its last media', async (t) => {
    await delay(1500); // so that an end at the restart would be seen to be wrong
    await server.start();
    const stream = await data(server, 'GET', `/streams/${id}`);
    t.diagnostic(`billed from ${stream.billing_start} to ${stream.billing_end}; killed at ${new Date(lastMedia).toISOString()}`);
    assert.equal(stream.status, 'ended');
    assert.equal(stream.billing_end, stream.end_time);
    assert.ok(Date.parse(stream.billing_end) <= lastMedia);
    assert.ok(Date.parse(stream.billing_end) >= Date.parse(stream.billing_start));
    assert.ok(lastMedia - Date.parse(stream.billing_end) < 10_000, 'media is recorded every few seconds');
  });
});

scene('wrong input gets the right status and a message to act on', { browser: false }, async (it) => {
  const { server, step } = it;
  const { id } = await preparedStream(server, 'Wrong input');
  const shortKey = await data(server, 'POST', `/streams/${id}/eventkey`, { body: { expiry_seconds: 1 } });
  const other = await data(server, 'POST', '/streams/create', { body: { name: 'Other' } });
  const otherKey = await data(server, 'POST', `/streams/${other.id}/eventkey`);
  const stranger = await keyOfAnotherAccount(server);
  const table = [
    { name: 'a body of 10 MB', method: 'POST', path: '/streams/create', body: JSON.stringify({ name: 'x'.repeat(10 << 20) }), status: 413 },
    { name: 'broken JSON', method: 'POST', path: '/streams/create', body: '{"name":', status: 400 },
    { name: 'a value of the wrong type', method: 'POST', path: '/streams/create', body: { name: 7 }, status: 422, says: /name/ },
    { name: 'a name that is missing', method: 'POST', path: '/streams/create', body: {}, status: 422, says: /name/ },
    { name: 'a quality that is not offered', method: 'POST', path: '/streams/create', body: { name: 'x', quality: '4321' }, status: 422, says: /quality/ },
    { name: 'a broken SDP', method: 'POST', path: `/streams/${id}/init`, body: { session_description: { type: 'offer', sdp: 'v=what\r\n' } }, status: 400 },
    { name: 'an SDP that is an answer', method: 'POST', path: `/streams/${id}/init`, body: { type: 'answer', sdp: 'v=0\r\n' }, status: 422, says: /offer/ },
    { name: 'a stream that is not there', method: 'POST', path: '/streams/999999/prepare', status: 404 },
    { name: "another account's stream", method: 'POST', path: `/streams/${id}/prepare`, key: stranger, status: 404 },
    { name: "another account's stream, to delete", method: 'DELETE', path: `/streams/${id}`, key: stranger, status: 404 },
    { name: 'the id of a create that failed', method: 'POST', path: '/streams/undefined/prepare', status: 404 },
    { name: 'no key', method: 'POST', path: '/streams/create', body: { name: 'x' }, key: '', status: 403 },
    { name: 'a wrong key', method: 'POST', path: '/streams/create', body: { name: 'x' }, key: 'sluice_wrong_wrongwrongwrongwrong', status: 403 },
    { name: 'init before prepare', method: 'POST', path: `/streams/${other.id}/init`, body: { type: 'offer', sdp: 'v=0\r\n' }, status: 400, says: /prepare/ },
    { name: 'start without a publisher', method: 'POST', path: `/streams/${other.id}/start`, status: 400, says: /prepare/ },
    { name: 'an event key of another stream', method: 'GET', path: `/streams/${id}/events/${otherKey}`, key: '', status: 403 },
    { name: 'an application key as event key', method: 'GET', path: `/streams/${id}/events/${server.key}`, key: '', status: 403 },
    { name: 'an event key that expired', method: 'GET', path: `/streams/${id}/events/${shortKey}`, key: '', status: 403, after: 2500 },
    { name: 'an endpoint that does not exist', method: 'GET', path: '/nothing', status: 404 },
  ];

  for (const { name, method, path, body, key, status, says = /\w+ \w+/, after = 0 } of table) {
    await step(name, async (t) => {
      await delay(after);
      const answer = await call(server, method, path, { body, key, headers: { Origin: 'https://app.example' }, signal: AbortSignal.timeout(5000) });
      t.diagnostic(`${answer.status} ${answer.json.error}: ${answer.json.message}`);
      assert.equal(answer.status, status, JSON.stringify(answer.json));
      assert.equal(answer.json.code, status);
      assert.equal(answer.json.data, '');
      assert.match(answer.json.message, says);
      assert.match(answer.json.error, /^[a-z_]+$/);
      assert.equal(answer.headers.get('access-control-allow-origin'), 'https://app.example', 'errors carry CORS headers too');
    });
  }

  await step('the application key in a path is not logged', () => {
    assert.ok(!server.log.split('\n').some((line) => line.includes('/events/') && line.includes(server.key)), server.log);
  });

  await step('and the server goes on', async () => {
    assert.equal((await data(server, 'GET', `/streams/${id}`)).status, 'prepared');
  });
});
