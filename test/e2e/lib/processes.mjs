// What runs on this machine, read from /proc, and how to wait for it to change.

import { readFile, readdir } from 'node:fs/promises';
import { setTimeout as delay } from 'node:timers/promises';

/**
 * Waits until `condition` gives something true and returns it. What it throws
 * is tried again, and shown when time is up.
 */
export async function until(what, condition, { timeout = 10_000, every = 50 } = {}) {
  const deadline = Date.now() + timeout;
  let last;
  for (;;) {
    try {
      last = await condition();
      if (last) return last;
    } catch (err) {
      last = err;
    }
    if (Date.now() > deadline) {
      throw new Error(`after ${timeout} ms still not: ${what}; last seen: ${last instanceof Error ? last.message : JSON.stringify(last)}`);
    }
    await delay(every);
  }
}

/** Reads the state and the parent of a process; null when there is none. */
async function stat(pid) {
  const text = await readFile(`/proc/${pid}/stat`, 'utf8').catch(() => null);
  if (text === null) return null;
  // The name stands in brackets and may hold anything: read from behind it.
  const name = text.slice(text.indexOf('(') + 1, text.lastIndexOf(')'));
  const [state, parent] = text.slice(text.lastIndexOf(')') + 2).split(' ');
  return { pid, name, state, parent: Number(parent) };
}

/** Tells whether a process runs. A zombie does not: it only waits to be counted. */
export async function isRunning(pid) {
  const found = await stat(pid);
  return found !== null && found.state !== 'Z' && found.state !== 'X';
}

/** The ids of the children of a process that have this name, all levels down. */
export async function children(parent, name) {
  const ids = (await readdir('/proc')).filter((entry) => /^\d+$/.test(entry)).map(Number);
  const all = (await Promise.all(ids.map(stat))).filter((found) => found !== null && found.state !== 'Z');
  const family = new Set([parent]);
  for (let size = 0; size !== family.size; ) {
    size = family.size;
    for (const { pid, parent: above } of all) if (family.has(above)) family.add(pid);
  }
  return all.filter((found) => found.pid !== parent && family.has(found.pid) && found.name === name).map(({ pid }) => pid);
}

const mine = new Set();

/** Sees that a child does not outlive a test run that is broken off. */
export function stopAtExit(child) {
  if (mine.size === 0) {
    process.on('exit', () => mine.forEach((other) => other.kill('SIGKILL')));
    for (const signal of ['SIGTERM', 'SIGINT']) process.on(signal, () => process.exit(1));
  }
  mine.add(child);
  child.once('exit', () => mine.delete(child));
}

/** The resident memory of a process, in bytes. */
export async function residentMemory(pid) {
  const status = await readFile(`/proc/${pid}/status`, 'utf8');
  return Number(/^VmRSS:\s+(\d+) kB/m.exec(status)[1]) * 1024;
}
