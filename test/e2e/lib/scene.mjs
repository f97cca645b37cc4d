// A test against the whole product: a server, a browser, a site on another
// origin. What a scene started it stops, in reverse order, whatever happens.

import test from 'node:test';

import { startBrowser } from './browser.mjs';
import { Cleanups } from './cleanups.mjs';
import { startServer } from './server.mjs';
import { startSite } from './site.mjs';

class Scene extends Cleanups {
  #test;

  constructor(t) {
    super();
    this.#test = t;
  }

  /** Runs one part of the test, with options of node:test or without. A failure shows what the server said. */
  step = (name, ...rest) =>
    this.#test.test(name, ...rest.slice(0, -1), async (t) => {
      try {
        await rest.at(-1)(t);
      } catch (err) {
        t.diagnostic(`the server's log ends with:\n${this.server?.log.slice(-6000)}`);
        throw err;
      }
    });

  /** Shows a figure with the result of the test. */
  note = (text) => this.#test.diagnostic(text);
}

/**
 * Declares a test that gets a scene with a running server, a site, and, unless
 * `browser` is false, a browser, with more arguments where `browser` lists some.
 * `env` is the server's environment, or a function of the scene that makes it;
 * `descriptors` limits how many the server may open.
 */
export function scene(name, { env, browser = true, descriptors } = {}, body) {
  test(name, async (t) => {
    const it = new Scene(t);
    try {
      it.server = await startServer(it, typeof env === 'function' ? await env(it) : env, { descriptors });
      it.site = await startSite(it);
      if (browser) it.browser = await startBrowser(it, browser === true ? [] : browser);
      await body(it);
    } finally {
      await it.end();
    }
  });
}
