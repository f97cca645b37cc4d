// Measures what the project promises, prints it, and writes docs/benchmarks.md.
//
//   make bench
//   make bench TABLES=latency PLAYERS=watch,Shaka SECONDS_EACH=60
//
// Run it on a machine that does nothing else.

import { machine } from './lib/machine.mjs';
import { addToReport } from './lib/report.mjs';
import * as settings from './lib/settings.mjs';

/** All tables, in the order of the report. */
const names = ['latency', 'startup', 'chunks', 'encode', 'requests', 'fanout', 'memory'];

const chosen = settings.tables ?? names;
const unknown = chosen.filter((name) => !names.includes(name));
if (unknown.length > 0) {
  console.error(`there is no table ${unknown.join(', ')}; there are ${names.join(', ')}`);
  process.exit(2);
}

const here = await machine();
for (const name of names.filter((known) => chosen.includes(known))) {
  console.log(`\n… ${name}`);
  try {
    const { measure } = await import(`./tables/${name}.mjs`);
    console.log(`\n${await addToReport(settings.out, names, here, name, await measure())}`);
  } catch (err) {
    process.exitCode = 1;
    console.error(`${name} could not be measured: ${err.stack}`);
  }
}
console.log(`\nwritten to ${settings.out}.md`);
