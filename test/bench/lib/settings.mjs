// What a run of the benchmarks can be told by its environment.

import { fileURLToPath } from 'node:url';

const number = (name, otherwise) => Number(process.env[name] || otherwise);

/** The names in a variable, or null for all. */
const names = (name) => {
  const words = (process.env[name] ?? '').split(',').map((word) => word.trim()).filter(Boolean);
  return words.length > 0 ? words : null;
};

/** How long each row of a table is measured, in seconds. */
export const secondsEach = number('SECONDS_EACH', 300);

/** How long CPU time is counted: more than this says nothing more. */
export const cpuSeconds = Math.min(secondsEach, 30);

/** How often a start is tried. */
export const tries = number('TRIES', 20);

/** How many viewers wait. */
export const waiters = number('WAITERS', 2000);

/** The tables to measure; of the latencies the set-ups (a, b, relay), and the players whose name contains one of these. */
export const tables = names('TABLES');
export const setups = names('SETUPS');
export const players = names('PLAYERS');

/** Where the report goes: OUT.md is read, OUT.json keeps the figures. */
export const out = process.env.OUT || fileURLToPath(new URL('../../../docs/benchmarks', import.meta.url));

/** Where what is expensive to make is kept. */
export const cache = fileURLToPath(new URL('../../../bin/bench/', import.meta.url));
