// What the figures were taken on.

import { execFile } from 'node:child_process';
import { readFile } from 'node:fs/promises';
import { cpus, loadavg, release, totalmem } from 'node:os';
import { promisify } from 'node:util';

import { binary } from '../../e2e/lib/server.mjs';

const run = promisify(execFile);

/** The first line that a program says, or that it is not there. */
async function line(program, ...args) {
  const { stdout, stderr } = await run(program, args).catch((err) => ({ stdout: err.message, stderr: '' }));
  return (stdout || stderr).split('\n')[0].trim();
}

async function npm(name) {
  return JSON.parse(await readFile(new URL(`../../e2e/node_modules/${name}/package.json`, import.meta.url), 'utf8')).version;
}

async function debian() {
  return /^PRETTY_NAME="(.*)"/m.exec(await readFile('/etc/os-release', 'utf8').catch(() => ''))?.[1] ?? 'unknown';
}

/** The machine and the versions of everything that takes part, as pairs of words. */
export async function machine() {
  return [
    ['Sluice', await line(binary, 'version')],
    ['processor', `${cpus().length} × ${cpus()[0].model.trim()}`],
    ['memory', `${Math.round(totalmem() / 2 ** 30)} GiB`],
    ['system', `${await debian()}, Linux ${release()}, load ${loadavg()[0].toFixed(2)} before the run`],
    ['FFmpeg', (await line('ffmpeg', '-version')).split(' ')[2]],
    ['browser', await line(process.env.CHROMIUM ?? 'chromium', '--version')],
    ['nginx', (await line('/usr/sbin/nginx', '-v')).replace(/^.*nginx\//, '')],
    ['players', `hls.js ${await npm('hls.js')}, dash.js ${await npm('dashjs')}, Shaka ${await npm('shaka-player')}`],
    ['Node.js', process.version],
  ];
}
