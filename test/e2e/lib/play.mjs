// Watching, with assertions on what is seen.

import assert from 'node:assert/strict';
import { readFile } from 'node:fs/promises';

import { evaluate, inPage, openPage } from './browser.mjs';

const eye = await readFile(new URL('../pages/eye.js', import.meta.url), 'utf8');

/** Adds the eye to a page of somebody else and lets it watch an element. */
export async function watchElement(page, selector) {
  await page.addScriptTag({ content: eye });
  await page.evaluate((of) => window.watchPicture(document.querySelector(of)), selector);
}

/**
 * Waits until a watched page showed `seconds` of picture, and gives what it saw.
 * `fps` is how many of the pictures a second must be new ones: few of the
 * camera's 30, because a loaded machine shows fewer than it gets.
 */
export async function assertMoves(page, { seconds = 4, timeout = 30_000, fps = 5 } = {}) {
  await inPage(page, `${seconds} s of moving picture`, (want) => {
    const { first, last } = window.seen ?? {};
    return last - first >= want;
  }, seconds, timeout);
  const seen = await page.evaluate(() => window.seen);
  assert.ok(seen.changes >= seconds * fps, `the picture hardly moves: ${JSON.stringify(seen)}\n${page.said.slice(-20).join('\n')}`);
  return seen;
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
