// Who watches, and what they saw.

import { readFile } from 'node:fs/promises';
import { setTimeout as delay } from 'node:timers/promises';

import { evaluate, inPage, openPage } from '../../e2e/lib/browser.mjs';
import { mean, percentile } from './figures.mjs';

const reader = await readFile(new URL('../pages/reader.js', import.meta.url), 'utf8');

/** The picture stands still when no new one comes for this long, in ms. */
const stillMs = 300;

/** A browser that has just opened a window loads a hundred scripts for that alone; viewers have theirs open. */
const settlingMs = 3000;

/** Opens a page, in a window with nothing cached, whose pictures are read from the first on. */
export async function openViewer(browser, url) {
  const page = await openPage(browser, undefined, { viewport: { width: 1280, height: 800 } });
  await page.addInitScript(reader);
  await delay(settlingMs);
  await page.goto(url, { waitUntil: 'commit' });
  return page;
}

/** Waits for the first picture; gives when it was shown. */
export async function firstPicture(page, timeout = 20_000) {
  await inPage(page, 'the first picture', () => window.seen?.frames.length > 0, undefined, timeout);
  return page.evaluate(() => ({ shown: window.seen.frames[0][0], after: window.seen.firstAfter }));
}

/** Opens a viewer of a stream by the name of a player of `players`. */
export async function watch({ browser, site }, player, { origin, id, hls, dash }) {
  if (player.page) return openViewer(browser, `${origin}/watch/${id}?protocol=${player.page}`);
  const page = await openViewer(browser, `${site.origin}/stock.html`);
  await page.waitForLoadState('load');
  await evaluate(page, `${player.name} loads`, ([engine, url]) => window.play(engine, url), [player.engine, player.engine === 'hls' ? hls : dash]);
  return page;
}

/**
 * What a page saw from a time on, in ms since 1970. `sentAt` gives when the
 * picture of a stamp was sent.
 */
export async function whatWasSeen(page, from, sentAt) {
  const { to, all } = await page.evaluate(() => ({ to: Date.now(), all: window.seen.frames }));
  const frames = all.filter(([shown]) => shown >= from);
  const latencies = frames.map(([shown, stamp]) => shown - sentAt(stamp, shown)).filter(Number.isFinite);
  // A picture that never moves again stands still up to the end.
  const times = [from, ...frames.map(([shown]) => shown), to];
  const gaps = times.slice(1).map((time, i) => time - times[i]);
  const rates = frames.map(([, , rate]) => rate);
  const sixth = Math.floor(latencies.length / 6);
  return {
    perSecond: (1000 * frames.length) / (to - from),
    p50: percentile(latencies, 0.5),
    p95: percentile(latencies, 0.95),
    drift: percentile(latencies.slice(-sixth), 0.5) - percentile(latencies.slice(0, sixth), 0.5),
    stalls: gaps.filter((gap) => gap > stillMs).length,
    longestStill: Math.max(...gaps),
    rateMean: mean(rates),
    rateMost: Math.max(...rates),
    height: percentile(frames.map(([, , , height]) => height), 0.5),
  };
}
