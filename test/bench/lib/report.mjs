// The report: figures in a JSON file, from which the Markdown is written, so that
// a run of some tables leaves the others as they were.

import { mkdir, readFile, writeFile } from 'node:fs/promises';
import path from 'node:path';

const intro = `# Benchmarks

What \`make bench\` measured. Every table says how, what it aims at, and whether it was met. Everything runs on one machine over loopback:
server, encoder, publisher, players and what measures share its cores. \`make bench TABLES=latency,fanout\` measures some tables and keeps
the others; of the latencies, \`SETUPS=a,relay\` and \`PLAYERS=Shaka\` measure some rows and keep the others. \`SECONDS_EACH\` says how long
each row is measured, \`TRIES\` how often a start is tried.
`;

/** A Markdown table; numbers stand at the right. */
export function markdown(columns, rows) {
  const isNumber = (i) => rows.length > 0 && rows.every((row) => /^([\d–-]|−)/.test(row[i]));
  const line = (cells) => `| ${cells.join(' | ')} |`;
  return [line(columns), line(columns.map((_, i) => (isNumber(i) ? '--:' : '---'))), ...rows.map(line)].join('\n');
}

/** One section: title, method, goal, table. */
function section({ title, method, goal, columns, rows, notes = [], measured }) {
  const paragraphs = [`## ${title}`, method, `Goal: ${goal}`, markdown(columns, rows), ...notes];
  // Rows that are measured one by one say so themselves.
  if (!columns.includes('measured')) paragraphs.push(`Measured ${measured}.`);
  return paragraphs.join('\n\n');
}

/** The figures of earlier runs. */
async function earlier(out) {
  const text = await readFile(`${out}.json`, 'utf8').catch(() => '{}');
  return JSON.parse(text);
}

/** The rows of a table whose first cells are as in `all`, in that order: those measured now, and of the others those of before. */
export function completed(all, now, before = []) {
  const of = (rows, first) => rows.find((row) => first.every((cell, i) => row[i] === cell));
  return all.map((first) => of(now, first) ?? of(before, first)).filter(Boolean);
}

/** Adds what was measured to the report at `out`, sections in the order of `names`. */
export async function addToReport(out, names, machine, name, { allRows, ...table }) {
  const now = new Date().toISOString().slice(0, 16).replace('T', ' ');
  const measured = `${now} UTC, with ${machine[0][1]}`;
  const before = await earlier(out);
  if (allRows) {
    table.columns = [...table.columns, 'measured'];
    table.rows = completed(allRows, table.rows.map((row) => [...row, measured]), before.tables?.[name]?.rows);
  }
  const tables = { ...before.tables, [name]: { ...table, measured } };
  const sections = names.filter((known) => tables[known]).map((known) => section(tables[known]));
  await mkdir(path.dirname(out), { recursive: true });
  await writeFile(`${out}.json`, `${JSON.stringify({ machine, tables }, null, 1)}\n`);
  await writeFile(`${out}.md`, `${[intro + '\n' + markdown(['machine', ''], machine), ...sections].join('\n\n')}\n`);
  return section(tables[name]);
}
