// nginx, with a configuration of the caller's.

import { spawn } from 'node:child_process';
import { once } from 'node:events';
import { mkdir, mkdtemp, rm, writeFile } from 'node:fs/promises';
import { tmpdir } from 'node:os';
import path from 'node:path';

import { freePort } from './ports.mjs';
import { children, stopAtExit, until } from './processes.mjs';

const main = (folder, workers, http) => `
daemon off;
worker_processes ${workers};
pid ${folder}/nginx.pid;
error_log ${folder}/error.log;
${process.getuid() === 0 ? 'user root;' : ''}
worker_rlimit_nofile 20000;
events { worker_connections 8192; }
http {
  access_log off;
  ${['client_body', 'proxy', 'fastcgi', 'uwsgi', 'scgi'].map((name) => `${name}_temp_path ${folder}/temp;`).join('\n  ')}
  ${http}
}
`;

/**
 * Runs nginx until the scene ends. `http` makes the content of its http block out
 * of its folder and a free port; `files` go into the folder under `files/`. Gives
 * the folder, the origin and the ids of its processes.
 */
export async function runNginx({ after }, http, { workers = 1, files = {} } = {}) {
  const folder = await mkdtemp(path.join(tmpdir(), 'sluice-nginx-'));
  after(() => rm(folder, { recursive: true, force: true }));
  for (const [name, content] of Object.entries(files)) {
    const file = path.join(folder, 'files', name);
    await mkdir(path.dirname(file), { recursive: true });
    await writeFile(file, content);
  }
  const port = await freePort();
  const config = path.join(folder, 'nginx.conf');
  await writeFile(config, main(folder, workers, http(folder, port)));
  const child = spawn('/usr/sbin/nginx', ['-c', config, '-e', path.join(folder, 'error.log')], { stdio: ['ignore', 'inherit', 'inherit'] });
  stopAtExit(child);
  const exited = once(child, 'exit');
  after(async () => {
    child.kill('SIGTERM');
    await exited;
  });
  const pids = await until('nginx has its workers', async () => {
    const found = await children(child.pid, 'nginx');
    return found.length >= workers && found;
  });
  return { folder, origin: `http://127.0.0.1:${port}`, pids };
}
