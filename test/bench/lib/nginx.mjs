// nginx as a yardstick: one worker that serves the files of a folder.

import { runNginx } from '../../e2e/lib/nginx.mjs';

const configuration = (folder, port) => `
  sendfile on;
  tcp_nopush on;
  tcp_nodelay on;
  keepalive_requests 1000000000;
  open_file_cache max=1000 inactive=1h;
  open_file_cache_valid 1h;
  types { application/vnd.apple.mpegurl m3u8; video/mp4 m4s; }
  server {
    listen 127.0.0.1:${port};
    root ${folder}/files;
    add_header Cache-Control "public, max-age=31536000, immutable";
    add_header Access-Control-Allow-Origin "*";
  }
`;

/** Serves files, by their path, until the scene ends; gives the worker's process too. */
export async function startNginx(scene, files) {
  const { origin, pids } = await runNginx(scene, configuration, { files });
  return { origin, worker: pids[0] };
}
