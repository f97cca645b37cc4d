// What a table is measured on: a server, a site with the pages, a browser.

import { startBrowser } from '../../e2e/lib/browser.mjs';
import { Cleanups } from '../../e2e/lib/cleanups.mjs';
import { startServer } from '../../e2e/lib/server.mjs';
import { startSite } from '../../e2e/lib/site.mjs';
import { fileURLToPath } from 'node:url';

const pages = fileURLToPath(new URL('../pages/', import.meta.url));

/** Sets up a stage, runs the body on it, and takes everything down. `env` is the server's environment. */
export async function onStage({ env, browser = true } = {}, body) {
  const it = new Cleanups();
  try {
    it.server = await startServer(it, { SLUICE_LOG_LEVEL: 'warn', ...env });
    it.site = await startSite(it, [pages]);
    if (browser) it.browser = await startBrowser(it);
    return await body(it);
  } catch (err) {
    err.message += `\nthe server's log ends with:\n${it.server?.log.slice(-3000)}`;
    throw err;
  } finally {
    await it.end();
  }
}
