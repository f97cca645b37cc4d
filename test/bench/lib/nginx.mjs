// nginx as a yardstick: one worker that serves the files of a folder.

import { spawn } from 'node:child_process';
import { once } from 'node:events';
import { mkdir, mkdtemp, rm, writeFile } from 'node:fs/promises';
import { tmpdir } from 'node:os';
import path from 'node:path';

import { freePort } from '../../e2e/lib/ports.mjs';
import { children, stopAtExit, until } from '../../e2e/lib/processes.mjs';

const configuration = (folder, port) => `
daemon off;
worker_processes 1;
pid ${folder}/nginx.pid;
error_log ${folder}/error.log;
${process.getuid() === 0 ? 'user root;' : ''}
events { worker_connections 1024; }
http {
  access_log off;
  sendfile on;
  tcp_nopush on;
  tcp_nodelay on;
  keepalive_requests 1000000000;
  open_file_cache max=1000 inactive=1h;
  open_file_cache_valid 1h;
  ${['client_body', 'proxy', 'fastcgi', 'uwsgi', 'scgi'].map((name) => `${name}_temp_path ${folder}/temp;`).join('\n  ')}
  types { application/vnd.apple.mpegurl m3u8; video/mp4 m4s; }
  server {
    listen 127.0.0.1:${port};
    root ${folder}/files;
    add_header Cache-Control "public, max-age=31536000, immutable";
    add_header Access-Control-Allow-Origin "*";
  }
}
`;

/** Serves files, by their path, until the scene ends; gives the worker's process too. */
export async function startNginx({ after }, files) {
  const folder = await mkdtemp(path.join(tmpdir(), 'sluice-nginx-'));
  after(() => rm(folder, { recursive: true, force: true }));
  for (const [name, content] of Object.entries(files)) {
    const file = path.join(folder, 'files', name);
    await mkdir(path.dirname(file), { recursive: true });
    await writeFile(file, content);
  }
  const port = await freePort();
  const config = path.join(folder, 'nginx.conf');
  await writeFile(config, configuration(folder, port));
  const child = spawn('/usr/sbin/nginx', ['-c', config, '-e', path.join(folder, 'error.log')], { stdio: ['ignore', 'inherit', 'inherit'] });
  stopAtExit(child);
  const exited = once(child, 'exit');
  after(async () => {
    child.kill('SIGTERM');
    await exited;
  });
  const [worker] = await until('nginx has a worker', async () => {
    const found = await children(child.pid, 'nginx');
    return found.length === 1 && found;
  });
  return { origin: `http://127.0.0.1:${port}`, worker };
}
