// A site on another origin than the server's, for pages that use its API.

import { once } from 'node:events';
import { access, readFile } from 'node:fs/promises';
import { createServer } from 'node:http';
import path from 'node:path';
import { fileURLToPath } from 'node:url';

const types = { '.html': 'text/html; charset=utf-8', '.js': 'text/javascript; charset=utf-8', '.mjs': 'text/javascript; charset=utf-8' };
const modules = fileURLToPath(new URL('../node_modules/', import.meta.url));
const pages = fileURLToPath(new URL('../pages/', import.meta.url));
/** Files of our player that pages load too. */
const shared = new Map([['/everypart.js', fileURLToPath(new URL('../../../web/src/player/everypart.js', import.meta.url))]]);

/** Reads a file of the first of some folders that has it. */
async function readFrom(folders, pathname) {
  const [folder, ...others] = folders;
  return readFile(path.join(folder, pathname)).catch((err) => (others.length > 0 ? readFrom(others, pathname) : Promise.reject(err)));
}

/** The file at a path. */
function file(pathname, more) {
  if (shared.has(pathname)) return readFile(shared.get(pathname));
  return pathname.startsWith('/npm/') ? readFrom([modules], pathname.slice(5)) : readFrom([pages, ...more], pathname);
}

/** Where a module is that another names as bundlers read it, without its extension or with two slashes; undefined when nowhere. */
async function moduleAt(named) {
  const pathname = named.replace(/\/+/g, '/');
  for (const end of ['.js', '/index.js']) {
    if (await access(path.join(modules, `${pathname.slice(5)}${end}`)).then(() => true, () => false)) return pathname + end;
  }
  return undefined;
}

/**
 * Serves the pages in `pages/` and in `more` folders, the files of our player
 * that they load, the npm packages under `/npm/`, and what `put` adds, until the
 * scene ends.
 */
export async function startSite(scene, more = []) {
  const texts = new Map();
  const server = createServer(async (request, response) => {
    const { pathname } = new URL(request.url, 'http://site');
    try {
      if (pathname.includes('//')) throw new Error('modules next to it would be looked for in the wrong folder');
      const content = texts.get(pathname) ?? (await file(pathname, more));
      response.writeHead(200, { 'Content-Type': types[path.extname(pathname)] ?? 'application/octet-stream' }).end(content);
    } catch {
      const elsewhere = pathname.startsWith('/npm/') && (await moduleAt(pathname));
      response.writeHead(elsewhere ? 302 : 404, elsewhere ? { Location: elsewhere } : {}).end();
    }
  });
  server.listen(0, '127.0.0.1');
  await once(server, 'listening');
  scene.after(() => {
    server.closeAllConnections();
    server.close();
  });
  const origin = `http://127.0.0.1:${server.address().port}`;
  return {
    origin,
    /** Serves a text under a path and gives its address. */
    put(pathname, text) {
      texts.set(pathname, text);
      return origin + pathname;
    },
  };
}
