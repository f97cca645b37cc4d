// A keep-alive connection that costs what measures as little as possible.

import { once } from 'node:events';
import { connect } from 'node:net';

const headEnd = Buffer.from('\r\n\r\n');

export class Connection {
  #socket;
  #host;
  #waiting = null; // {resolve, reject, keep} of the answer that is under way
  #chunks = [];
  #left = -1; // bytes of the body that are missing; -1 while the head is

  /** Connects to the host of an address. */
  async open(origin) {
    const { hostname, port, host } = new URL(origin);
    this.#host = host;
    this.#socket = connect({ host: hostname, port: Number(port), noDelay: true });
    await once(this.#socket, 'connect');
    this.#socket.on('data', (bytes) => this.#take(bytes));
    this.#socket.on('error', (err) => this.#fail(err));
    this.#socket.on('close', () => this.#fail(new Error('the server closed the connection')));
    return this;
  }

  /** Asks for a path; gives the status, when the first byte came, and the body where it is kept. */
  get(path, keep = false) {
    return new Promise((resolve, reject) => {
      this.#waiting = { resolve, reject, keep };
      this.#chunks = [];
      this.#left = -1;
      this.#socket.write(`GET ${path} HTTP/1.1\r\nHost: ${this.#host}\r\n\r\n`);
    });
  }

  close() {
    this.#waiting = null;
    this.#socket.destroy();
  }

  #fail(err) {
    this.#waiting?.reject(err);
    this.#waiting = null;
  }

  #take(bytes) {
    const waiting = this.#waiting;
    if (waiting === null) return;
    waiting.first ??= performance.now();
    if (this.#left >= 0) {
      this.#left -= bytes.length;
      if (waiting.keep) this.#chunks.push(bytes);
    } else {
      this.#takeHead(waiting, this.#chunks.length > 0 ? Buffer.concat([...this.#chunks, bytes]) : bytes);
    }
    if (this.#left !== 0) return;
    this.#waiting = null;
    waiting.resolve({ status: waiting.status, first: waiting.first, body: waiting.keep ? Buffer.concat(this.#chunks) : null });
  }

  #takeHead(waiting, bytes) {
    const end = bytes.indexOf(headEnd);
    if (end < 0) {
      this.#chunks = [bytes];
      return;
    }
    const head = bytes.toString('latin1', 0, end);
    const length = /^content-length: *(\d+)/im.exec(head);
    if (!length) return this.#fail(new Error(`an answer without a length:\n${head}`));
    waiting.status = Number(head.slice(9, 12));
    const body = bytes.subarray(end + headEnd.length);
    this.#left = Number(length[1]) - body.length;
    this.#chunks = waiting.keep ? [body] : [];
  }
}

/** Opens so many connections, some at a time. */
export async function openConnections(origin, count) {
  const opened = [];
  while (opened.length < count) {
    const some = Math.min(100, count - opened.length);
    opened.push(...(await Promise.all(Array.from({ length: some }, () => new Connection().open(origin)))));
  }
  return opened;
}
