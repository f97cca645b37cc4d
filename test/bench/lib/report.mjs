// The report: figures in a JSON file, from which the Markdown is written, so that
// a run of some tables leaves the others as they were.

import { mkdir, readFile, writeFile } from 'node:fs/promises';
import path from 'node:path';

const intro = `# Benchmarks

What \`make bench\` measured. Every table says how, what it aims at, and whether it was met. Everything runs on one machine over loopback:
server, encoder, publisher, players and what measures share its cores. \`make bench TABLES=latency,fanout\` measures some tables and keeps
the others; \`SECONDS_EACH\` says how long each row is measured, \`TRIES\` how often a start is tried.
`;

/** A Markdown table; numbers stand at the right. */
export function markdown(columns, rows) {
  const isNumber = (i) => rows.length > 0 && rows.every((row) => /^([\d–-]|−)/.test(row[i]));
  const line = (cells) => `| ${cells.join(' | ')} |`;
  return [line(columns), line(columns.map((_, i) => (isNumber(i) ? '--:' : '---'))), ...rows.map(line)].join('\n');
}

/** One section: title, method, goal, table. */
function section({ title, method, goal, columns, rows, notes = [], measured }) {
  const paragraphs = [`## ${title}`, method, `Goal: ${goal}`, markdown(columns, rows), ...notes, `Measured ${measured}.`];
  return paragraphs.join('\n\n');
}

/** The figures of earlier runs. */
async function earlier(out) {
  const text = await readFile(`${out}.json`, 'utf8').catch(() => '{}');
  return JSON.parse(text);
}

/** A table with the rows that this run did not measure as the run before left them; `allRows` are the first cells of each, in order. */
function completed({ allRows, ...table }, before, measured) {
  const find = (rows, cells) => rows?.find((row) => cells.every((cell, i) => row[i] === cell));
  const rows = allRows?.map((cells) => find(table.rows, cells) ?? find(before?.rows, cells)).filter(Boolean) ?? table.rows;
  const kept = rows.length > table.rows.length;
  return { ...table, rows, measured: kept ? `${measured}; rows that were not measured again: ${before.measured}` : measured };
}

/** Adds what was measured to the report at `out`, sections in the order of `names`. */
export async function addToReport(out, names, machine, name, table) {
  const now = new Date().toISOString().slice(0, 16).replace('T', ' ');
  const before = await earlier(out);
  const measured = `${now} UTC, with ${machine[0].join(' ')}`;
  const tables = { ...before.tables, [name]: completed(table, before.tables?.[name], measured) };
  const sections = names.filter((known) => tables[known]).map((known) => section(tables[known]));
  await mkdir(path.dirname(out), { recursive: true });
  await writeFile(`${out}.json`, `${JSON.stringify({ machine, tables }, null, 1)}\n`);
  await writeFile(`${out}.md`, `${[intro + '\n' + markdown(['machine', ''], machine), ...sections].join('\n\n')}\n`);
  return section(tables[name]);
}
