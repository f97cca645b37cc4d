// Measures two builds alternately in one run, and prints what changed as ratios: on
// a shared machine one build's figures alone say little.
//
//   make compare BASE=/path/to/another/sluice ROUNDS=3
//   make compare BASE=… TABLES=latency PLAYERS=watch SECONDS_EACH=60

import { spawn } from 'node:child_process';
import { once } from 'node:events';
import { mkdtemp, readFile, rm } from 'node:fs/promises';
import { tmpdir } from 'node:os';
import path from 'node:path';
import { fileURLToPath } from 'node:url';

import { median } from './lib/figures.mjs';
import { markdown } from './lib/report.mjs';

/** What is compared of each table: how many cells name a row, and the columns with figures. */
const compared = {
  latency: { name: 2, figures: ['p50', 'p95', 'stalls', 'longest still'] },
  startup: { name: 3, figures: ['p50', 'p95'] },
  encode: { name: 1, figures: ['FFmpeg', 'server'] },
  requests: { name: 1, figures: ['Sluice, µs', 'ratio'] },
};

const bench = fileURLToPath(new URL('bench.mjs', import.meta.url));
const base = process.env.BASE && path.resolve(process.env.BASE);
const builds = { before: base, after: process.env.SLUICE_BIN ? path.resolve(process.env.SLUICE_BIN) : fileURLToPath(new URL('../../bin/sluice', import.meta.url)) };
const rounds = Number(process.env.ROUNDS || 2);
const tables = (process.env.TABLES || 'latency,encode,requests').split(',');
const unknown = tables.filter((table) => !compared[table]);
if (!base || unknown.length > 0) {
  console.error(base ? `${unknown.join(', ')} cannot be compared; use ${Object.keys(compared).join(', ')}` : 'name the build to compare with: make compare BASE=/path/to/sluice');
  process.exit(2);
}

/** Runs the benchmark with one build; gives its tables. */
async function measure(build, table, out) {
  const child = spawn(process.execPath, [bench], {
    env: { ...process.env, SLUICE_BIN: build, TABLES: table, SETUPS: process.env.SETUPS || 'a', SECONDS_EACH: process.env.SECONDS_EACH || '60', OUT: out },
    stdio: ['ignore', 'ignore', 'inherit'],
  });
  const [code] = await once(child, 'exit');
  if (code !== 0) throw new Error(`${table} with ${build} ended with ${code}`);
  return JSON.parse(await readFile(`${out}.json`, 'utf8')).tables[table];
}

/** The figures of a table by "row, column". */
function figures(table, { name, figures: columns }) {
  const found = new Map();
  for (const row of table.rows) {
    for (const column of columns) found.set([row.slice(0, name).join(', '), column].join(': '), parseFloat(row[table.columns.indexOf(column)]));
  }
  return found;
}

const folder = await mkdtemp(path.join(tmpdir(), 'sluice-compare-'));
try {
  for (const table of tables) {
    const seen = { before: [], after: [] };
    for (let round = 0; round < rounds; round++) {
      // The other one first each time: neither has the warmer machine.
      const order = round % 2 === 0 ? ['before', 'after'] : ['after', 'before'];
      for (const which of order) seen[which].push(figures(await measure(builds[which], table, path.join(folder, `${table}-${which}-${round}`)), compared[table]));
    }
    const middle = (which, key) => median(seen[which].map((round) => round.get(key)));
    const rows = [...seen.before[0].keys()].map((key) => {
      const [before, after] = [middle('before', key), middle('after', key)];
      return [key, String(before), String(after), before > 0 ? (after / before).toFixed(3) : '–'];
    });
    console.log(`\n## ${table}, medians of ${rounds} rounds\n\n${markdown(['what', 'before', 'after', 'after / before'], rows)}`);
  }
} finally {
  await rm(folder, { recursive: true, force: true });
}
