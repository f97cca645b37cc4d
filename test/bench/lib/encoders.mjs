// FFmpeg as the server runs it, and the same encode without the server.

import { spawn } from 'node:child_process';
import { once } from 'node:events';
import { readFile } from 'node:fs/promises';

import { stopAtExit } from '../../e2e/lib/processes.mjs';

/** The arguments of a running process. */
async function argumentsOf(pid) {
  return (await readFile(`/proc/${pid}/cmdline`, 'utf8')).split('\0').slice(0, -1);
}

/**
 * Starts the encode that a process runs once more, from a file at the pace of
 * real time, with its outputs thrown away.
 */
export async function startBare(pid, file) {
  const [program, ...args] = await argumentsOf(pid);
  const input = args.indexOf('-i');
  const bare = args.map((arg) => (/^pipe:[1-9]/.test(arg) ? '/dev/null' : arg));
  bare[input + 1] = file;
  bare[args.indexOf('-protocol_whitelist') + 1] = 'file';
  bare.splice(input, 0, '-re');
  const child = spawn(program, ['-y', ...bare], { stdio: ['ignore', 'ignore', 'pipe'] });
  stopAtExit(child);
  let said = '';
  child.stderr.setEncoding('utf8').on('data', (text) => (said += text));
  const exited = once(child, 'exit');
  return {
    pid: child.pid,
    async stop() {
      if (child.exitCode !== null) throw new Error(`the bare FFmpeg ended before it was measured: ${said}`);
      child.kill('SIGKILL');
      await exited;
    },
  };
}
