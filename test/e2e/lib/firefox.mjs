// Debian's Firefox. playwright-core drives its own build only, so a page is told
// by its address what to do, and reports over HTTP.

import { spawn } from 'node:child_process';
import { once } from 'node:events';
import { mkdtemp, rm, writeFile } from 'node:fs/promises';
import { createServer } from 'node:http';
import { tmpdir } from 'node:os';
import path from 'node:path';

import { stopAtExit } from './processes.mjs';

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

  const profile = await mkdtemp(path.join(tmpdir(), 'sluice-firefox-'));
  scene.after(() => rm(profile, { recursive: true, force: true, maxRetries: 5 }));
  const lines = Object.entries(preferences).map(([name, value]) => `user_pref(${JSON.stringify(name)}, ${JSON.stringify(value)});`);
  await writeFile(path.join(profile, 'user.js'), lines.join('\n'));

  const report = `http://127.0.0.1:${listener.address().port}/`;
  const address = `${url}?told=${encodeURIComponent(JSON.stringify({ ...told, report }))}`;
  const child = spawn('firefox-esr', ['--headless', '--no-remote', '--profile', profile, address], {
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
  return reports;
}
