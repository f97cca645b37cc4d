// Debian's Chromium, driven by playwright-core, with a camera that is not there.

import { existsSync } from 'node:fs';
import path from 'node:path';

import { chromium } from 'playwright-core';

const names = ['chromium', 'chromium-browser', 'google-chrome'];

/** Finds the browser in PATH; CHROMIUM names another. */
function executable() {
  if (process.env.CHROMIUM) return process.env.CHROMIUM;
  for (const name of names) {
    for (const folder of process.env.PATH.split(path.delimiter)) {
      const file = path.join(folder, name);
      if (existsSync(file)) return file;
    }
  }
  throw new Error(`none of ${names.join(', ')} is in PATH; make test installs Chromium`);
}

/** Starts a browser that ends with the scene, with more arguments than the usual ones where that is asked for. */
export async function startBrowser(scene, more = []) {
  const browser = await chromium.launch({
    executablePath: executable(),
    args: [
      '--no-sandbox',
      '--disable-gpu',
      '--disable-quic',
      '--no-first-run',
      '--disable-background-networking',
      '--disable-component-update',
      '--disable-sync',
      '--use-fake-device-for-media-stream=fps=30',
      '--use-fake-ui-for-media-stream',
      '--autoplay-policy=no-user-gesture-required',
      ...more,
    ],
  });
  scene.after(() => browser.close());
  return browser;
}

/**
 * Opens a page that remembers what its console said: `page.said` holds
 * everything, and a failed wait can show it.
 */
export async function openPage(browser, url, options = {}) {
  const context = await browser.newContext(options);
  const page = await context.newPage();
  page.said = [];
  page.on('console', (message) => page.said.push(`${message.type()}: ${message.text()}`));
  page.on('pageerror', (err) => page.said.push(`uncaught: ${err.stack ?? err}`));
  page.on('requestfailed', (request) => page.said.push(`failed: ${request.method()} ${request.url()} ${request.failure()?.errorText}`));
  if (url) await page.goto(url);
  return page;
}

/** Waits for a condition inside a page; a failure shows the page's console. */
export async function inPage(page, what, condition, argument, timeout = 15_000) {
  try {
    return await page.waitForFunction(condition, argument, { timeout, polling: 50 });
  } catch (err) {
    throw new Error(`${what}: ${err.message}\nthe page said:\n${page.said.slice(-40).join('\n')}`);
  }
}

/** Runs a function inside a page; a failure, and one that takes too long, shows the page's console. */
export async function evaluate(page, what, body, argument, timeout = 30_000) {
  let timer;
  const late = new Promise((_, reject) => {
    timer = setTimeout(() => reject(new Error(`not within ${timeout} ms`)), timeout);
  });
  try {
    return await Promise.race([page.evaluate(body, argument), late]);
  } catch (err) {
    throw new Error(`${what}: ${err.message}\nthe page said:\n${page.said.slice(-40).join('\n')}`);
  } finally {
    clearTimeout(timer);
  }
}
