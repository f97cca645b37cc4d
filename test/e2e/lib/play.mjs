// Watching, with assertions on what is seen.

import { readFile } from 'node:fs/promises';

import { evaluate, inPage, openPage } from './browser.mjs';

const eye = await readFile(new URL('../pages/eye.js', import.meta.url), 'utf8');

/** Adds the eye to a page of somebody else and lets it watch an element. */
export async function watchElement(page, selector) {
  // By way of the debugger, which the content policy of the page does not bind.
  await evaluate(page, 'the eye opens', eye);
  await page.locator(selector).waitFor();
  await page.evaluate((of) => window.watchPicture(document.querySelector(of)), selector);
}

/**
 * Waits until a watched page showed `seconds` of moving picture, and gives what
 * it saw. Ten new pictures a second count as moving, of the camera's 30: a
 * loaded machine shows fewer than it gets. A stream that has just started
 * begins with its first picture standing still.
 */
export async function assertMoves(page, { seconds = 4, timeout = 30_000 } = {}) {
  const enough = ([want, changes]) => window.seen?.last - window.seen?.first >= want && window.seen.changes >= changes;
  try {
    await inPage(page, `${seconds} s of moving picture`, enough, [seconds, seconds * 10], timeout);
  } catch (err) {
    err.message += `\nseen: ${JSON.stringify(await evaluate(page, 'what was seen', () => window.seen))}`;
    throw err;
  }
  return evaluate(page, 'what was seen', () => window.seen);
}

/** Opens a player of its own on a manifest and sees that it plays. */
export async function assertPlays({ site, browser }, engine, url, options) {
  const page = await openPage(browser, `${site.origin}/player.html`);
  try {
    await evaluate(page, `${engine} loads ${url}`, ([which, manifest]) => window.play(which, manifest), [engine, url]);
    return await assertMoves(page, options);
  } finally {
    await page.context().close();
  }
}
