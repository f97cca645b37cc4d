// The Varnish of deploy/ in front of a server.

import { spawn } from 'node:child_process';
import { once } from 'node:events';
import { mkdtemp, readFile, rm, writeFile } from 'node:fs/promises';
import { tmpdir } from 'node:os';
import path from 'node:path';

import { freePort } from './ports.mjs';
import { children, stopAtExit, until } from './processes.mjs';

const deployed = new URL('../../../deploy/varnish/sluice.vcl', import.meta.url);

/** Runs it until the scene ends, with another address only. Gives its origin and the id of the process that serves. */
export async function runVarnish({ after }, server) {
  const folder = await mkdtemp(path.join(tmpdir(), 'sluice-varnish-'));
  after(() => rm(folder, { recursive: true, force: true }));
  const text = await readFile(deployed, 'utf8');
  const address = '.port = "8080";';
  if (!text.includes(address)) throw new Error(`${deployed.pathname} has no ${address}`);
  const config = path.join(folder, 'sluice.vcl');
  await writeFile(config, text.replace(address, `.port = "${new URL(server.origin).port}";`));
  const port = await freePort();
  const child = spawn(
    '/usr/sbin/varnishd',
    ['-F', '-j', 'none', '-n', path.join(folder, 'run'), '-a', `127.0.0.1:${port}`, '-T', 'none', '-f', config, '-s', 'malloc,128m'],
    { stdio: ['ignore', 'ignore', 'inherit'] },
  );
  stopAtExit(child);
  const exited = once(child, 'exit');
  after(async () => {
    child.kill('SIGTERM');
    await exited;
  });
  const origin = `http://127.0.0.1:${port}`;
  await until('Varnish answers', async () => (await fetch(`${origin}/healthz`)).ok, { timeout: 30_000 });
  const [pid] = await children(child.pid, 'cache-main');
  return { origin, pid };
}
