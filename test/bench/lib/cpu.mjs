// The CPU time of processes, from /proc.

import { readFile } from 'node:fs/promises';
import { setTimeout as delay } from 'node:timers/promises';

const ticksPerSecond = 100; // USER_HZ, the same on every Linux

/** The CPU time that a process has used, user and system, without its children, in seconds. */
export async function cpuTime(pid) {
  const text = await readFile(`/proc/${pid}/stat`, 'utf8');
  // Fields are counted behind the name, which may hold spaces: the first is the third.
  const fields = text.slice(text.lastIndexOf(')') + 2).split(' ');
  return (Number(fields[11]) + Number(fields[12])) / ticksPerSecond;
}

/** The share of one core that each of some processes uses over the same seconds. */
export async function coreShares(pids, seconds) {
  const read = () => Promise.all(pids.map(cpuTime));
  const [before, at] = [await read(), performance.now()];
  await delay(seconds * 1000);
  const [after, took] = [await read(), (performance.now() - at) / 1000];
  return after.map((time, i) => (time - before[i]) / took);
}
