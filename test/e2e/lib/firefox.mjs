// Debian's Firefox, which playwright-core does not drive: it has a build of its own.
// A page is told by its address what to do and reports over HTTP, or Firefox is
// driven by Marionette.

import { spawn } from 'node:child_process';
import { once } from 'node:events';
import { mkdtemp, readFile, rm, writeFile } from 'node:fs/promises';
import { createServer } from 'node:http';
import { connect } from 'node:net';
import { tmpdir } from 'node:os';
import path from 'node:path';

import { stopAtExit, until } from './processes.mjs';

const preferences = {
  'media.navigator.streams.fake': true,
  'media.navigator.permission.disabled': true,
  'media.autoplay.default': 0,
  'media.peerconnection.ice.loopback': true, // a machine may have nothing else
  'browser.shell.checkDefaultBrowser': false,
  'browser.aboutwelcome.enabled': false,
  'datareporting.policy.dataSubmissionEnabled': false,
  'toolkit.telemetry.reportingpolicy.firstRun': false,
  'app.update.auto': false,
  'app.normandy.enabled': false,
  'network.captive-portal-service.enabled': false,
  'network.connectivity-service.enabled': false,
};

/** Starts Firefox with a profile of its own, whose folder it gives. */
async function startFirefox(scene, args, more = {}) {
  const profile = await mkdtemp(path.join(tmpdir(), 'sluice-firefox-'));
  scene.after(() => rm(profile, { recursive: true, force: true, maxRetries: 5 }));
  const lines = Object.entries({ ...preferences, ...more }).map(([name, value]) => `user_pref(${JSON.stringify(name)}, ${JSON.stringify(value)});`);
  await writeFile(path.join(profile, 'user.js'), lines.join('\n'));
  const child = spawn('firefox-esr', ['--headless', '--no-remote', '--profile', profile, ...args], {
    env: { ...process.env, HOME: profile, MOZ_CRASHREPORTER_DISABLE: '1' },
    stdio: 'ignore',
    detached: true, // it starts others, which end with its group
  });
  stopAtExit(child);
  const exited = once(child, 'exit');
  scene.after(async () => {
    process.kill(-child.pid, 'SIGKILL');
    await exited;
  });
  return profile;
}

/** Opens a page that reports; `reports` is what it said so far, the newest last. */
export async function openInFirefox(scene, url, told) {
  const reports = [];
  const listener = createServer(async (request, response) => {
    let text = '';
    for await (const piece of request) text += piece;
    reports.push(JSON.parse(text));
    response.writeHead(204).end();
  });
  listener.listen(0, '127.0.0.1');
  await once(listener, 'listening');
  scene.after(() => {
    listener.closeAllConnections();
    listener.close();
  });

  await startFirefox(scene, [`${url}?told=${encodeURIComponent(JSON.stringify({ ...told, report: `http://127.0.0.1:${listener.address().port}/` }))}`]);
  return reports;
}

/**
 * Drives Firefox through a page as a person does, by Marionette, which it has built
 * in: each message is its length, a colon and [type, id, …] as JSON.
 */
export async function driveFirefox(scene, url) {
  const profile = await startFirefox(scene, ['--marionette'], { 'marionette.port': 0 });
  const port = await until('Firefox listens', async () => Number(await readFile(path.join(profile, 'MarionetteActivePort'), 'utf8')), { timeout: 30_000 });
  const socket = connect({ host: '127.0.0.1', port });
  scene.after(() => socket.destroy());
  await once(socket, 'connect');

  let buffered = Buffer.alloc(0);
  const waiting = new Map();
  const failAll = (err) => waiting.forEach(({ reject }) => reject(err));
  socket.on('error', failAll);
  socket.on('close', () => failAll(new Error('Firefox has gone')));
  socket.on('data', (piece) => {
    buffered = Buffer.concat([buffered, piece]);
    for (;;) {
      const colon = buffered.indexOf(':');
      const length = Number(buffered.subarray(0, Math.max(colon, 0)));
      if (colon < 0 || buffered.length < colon + 1 + length) return;
      const message = JSON.parse(buffered.subarray(colon + 1, colon + 1 + length));
      buffered = buffered.subarray(colon + 1 + length);
      if (!Array.isArray(message)) continue; // its greeting
      const [, id, error, result] = message;
      if (error) waiting.get(id).reject(new Error(`Firefox: ${error.message}`));
      else waiting.get(id).resolve(result);
      waiting.delete(id);
    }
  });
  let last = 0;
  const command = (name, parameters) =>
    new Promise((resolve, reject) => {
      const id = ++last;
      const text = Buffer.from(JSON.stringify([0, id, name, parameters]));
      waiting.set(id, { resolve, reject });
      socket.write(`${text.length}:`);
      socket.write(text);
    });
  const element = async (selector) => Object.values((await command('WebDriver:FindElement', { using: 'css selector', value: selector })).value)[0];

  await command('WebDriver:NewSession', { capabilities: {} });
  await command('WebDriver:SetTimeouts', { implicit: 20_000, script: 20_000 });
  await command('WebDriver:Navigate', { url });
  return {
    fill: async (selector, text) => command('WebDriver:ElementSendKeys', { id: await element(selector), text }),
    click: async (selector) => command('WebDriver:ElementClick', { id: await element(selector) }),
    /** Runs the body of a function in the page; gives what it returns. */
    run: async (script) => (await command('WebDriver:ExecuteScript', { script, args: [], sandbox: null })).value,
  };
}
