// The server under test: bin/sluice in a data folder of its own.

import assert from 'node:assert/strict';
import { spawn } from 'node:child_process';
import { once } from 'node:events';
import { mkdtemp, rm } from 'node:fs/promises';
import { tmpdir } from 'node:os';
import path from 'node:path';
import { fileURLToPath } from 'node:url';

import { freeMediaPort, freePort } from './ports.mjs';
import { children, isRunning, stopAtExit, until } from './processes.mjs';

/** The binary that `make build` makes; SLUICE_BIN names another. */
export const binary = process.env.SLUICE_BIN ?? fileURLToPath(new URL('../../../bin/sluice', import.meta.url));

/** The application key of the servers under test. */
export const key = 'sluice_e2e_0123456789abcdefghijklmnop';

export class Server {
  #log = [];
  #process;

  constructor(options) {
    this.options = options;
    this.origin = `http://127.0.0.1:${options.port}`;
    this.key = key;
  }

  get pid() {
    return this.#process.pid;
  }

  /** What the server wrote so far. */
  get log() {
    return this.#log.join('');
  }

  /** Starts the process and waits until it says that it is ready. */
  async start() {
    const { port, mediaPort, data, env, descriptors } = this.options;
    const command = [binary, 'serve'];
    // prlimit becomes the server: the process id stays.
    if (descriptors) command.unshift('prlimit', `--nofile=${descriptors}:${descriptors}`);
    this.#process = spawn(command[0], command.slice(1), {
      cwd: data,
      env: {
        ...process.env,
        SLUICE_LISTEN: `127.0.0.1:${port}`,
        SLUICE_DATA: data,
        SLUICE_WEBRTC_PORT: String(mediaPort),
        SLUICE_BOOTSTRAP_KEY: key,
        ...env,
      },
      stdio: ['ignore', 'pipe', 'pipe'],
    });
    for (const stream of [this.#process.stdout, this.#process.stderr]) {
      stream.setEncoding('utf8').on('data', (text) => this.#log.push(text));
    }
    this.exited = once(this.#process, 'exit').then(([code, signal]) => ({ code, signal }));
    stopAtExit(this.#process);
    // A server that cannot start says so at once, not when time is up.
    let ended = null;
    this.exited.then((how) => (ended = how), (err) => (ended = { code: err.message }));
    await until(`${this.origin}/readyz answers`, async () => {
      if (ended) return true;
      return (await fetch(`${this.origin}/readyz`)).ok;
    }, { timeout: 20_000 });
    assert.equal(ended, null, `the server ended while starting: ${JSON.stringify(ended)}\n${this.log}`);
    return this;
  }

  /** The FFmpeg processes of this server. */
  encoders() {
    return children(this.pid, 'ffmpeg');
  }

  /** Sends a signal and waits for the end. */
  async signal(name) {
    this.#process.kill(name);
    return this.exited;
  }

  /** Stops the server as an operator does, and checks that it leaves nothing behind. */
  async stop() {
    if (this.#process.exitCode !== null || this.#process.signalCode !== null) return;
    const encoders = await this.encoders();
    // Graceful has an end: after it the server is made to go, and the test fails.
    const patience = setTimeout(() => this.#process.kill('SIGKILL'), 20_000);
    const how = await this.signal('SIGTERM');
    clearTimeout(patience);
    assert.deepEqual(how, { code: 0, signal: null }, `the server did not stop well:\n${this.log.slice(-4000)}`);
    for (const pid of encoders) await until(`ffmpeg ${pid} ends with the server`, async () => !(await isRunning(pid)), { timeout: 3000 });
  }
}

/** Starts a server on free ports, in a data folder that goes with the scene; `descriptors` limits how many it may open. */
export async function startServer(scene, env = {}, { descriptors } = {}) {
  const data = await mkdtemp(path.join(tmpdir(), 'sluice-e2e-'));
  scene.after(() => rm(data, { recursive: true, force: true }));
  const server = new Server({ port: await freePort(), mediaPort: await freeMediaPort(), data, env, descriptors });
  scene.after(() => server.stop());
  return server.start();
}
