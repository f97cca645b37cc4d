// Thousands of hostile connections from one address of the loopback range, and
// viewers who want to watch meanwhile.

import assert from 'node:assert/strict';
import { createSocket } from 'node:dgram';
import { once } from 'node:events';
import { Agent, request } from 'node:http';
import { connect } from 'node:net';
import { setTimeout as delay } from 'node:timers/promises';

import { renditions } from './media.mjs';

/** Where attacks come from: an address that no viewer of the tests uses. */
export const attacker = '127.0.0.9';

/** How many connections open at a time, so that the listener's queue is not what is tested. */
const atOnce = 250;

/** What each kind of attack says on a new connection, and every two seconds after that. */
export const kinds = {
  'event streams': { opening: ({ host, id }) => `GET /v1/streams/${id}/events HTTP/1.1\r\nHost: ${host}\r\n\r\n` },
  'slow bodies': {
    opening: ({ host }) => `POST /v1/streams/create HTTP/1.1\r\nHost: ${host}\r\nContent-Type: application/json\r\nContent-Length: 100000\r\n\r\n`,
    drip: 'x',
  },
  'slow headers': { opening: ({ host }) => `GET / HTTP/1.1\r\nHost: ${host}\r\n`, drip: 'X-Slow: 1\r\n' },
  'silent ICE-TCP': { media: true, opening: () => '' },
  'STUN of unknown users': { media: true, opening: () => framed(bindingRequest()), datagram: bindingRequest },
};

/** A STUN binding request of a user that no session has (RFC 8489, sections 5 and 14.3). */
function bindingRequest() {
  const user = Buffer.from('nobody01:nobody02');
  const padded = Buffer.concat([user, Buffer.alloc((4 - (user.length % 4)) % 4)]);
  const attribute = Buffer.concat([Buffer.from([0x00, 0x06, 0x00, user.length]), padded]);
  const head = Buffer.alloc(20);
  head.writeUInt16BE(0x0001, 0);
  head.writeUInt16BE(attribute.length, 2);
  head.writeUInt32BE(0x2112a442, 4);
  for (let i = 8; i < 20; i++) head[i] = Math.floor(Math.random() * 256);
  return Buffer.concat([head, attribute]);
}

/** A packet in a TCP stream has its length before it (RFC 4571). */
function framed(packet) {
  const length = Buffer.alloc(2);
  length.writeUInt16BE(packet.length);
  return Buffer.concat([length, packet]);
}

export class Attack {
  #sockets = new Set();
  #opened = new Set(); // those that said their opening
  #timer;

  constructor(kind, target) {
    this.kind = kinds[kind];
    this.target = target;
    this.closed = 0; // by the server
    this.answers = new Map(); // how many got which status
  }

  /** Opens so many connections, and says on each what the attack says. */
  async open(count) {
    if (this.kind.drip) this.#timer = setInterval(() => this.#drip(), 2000);
    for (let opened = 0; opened < count; opened += atOnce) {
      await Promise.all(Array.from({ length: Math.min(atOnce, count - opened) }, () => this.#openOne()));
    }
    if (this.kind.datagram) await this.#sendDatagrams(count);
    return this;
  }

  /** How many connections the server holds open. */
  get held() {
    return this.#sockets.size;
  }

  async #openOne() {
    const { server } = this.target;
    const port = this.kind.media ? server.options.mediaPort : server.options.port;
    const socket = connect({ host: '127.0.0.1', port, localAddress: attacker });
    this.#sockets.add(socket);
    socket.on('error', () => {}); // a reset is an answer, too
    socket.on('close', () => {
      this.#sockets.delete(socket);
      this.#opened.delete(socket);
      this.closed += 1;
    });
    socket.once('data', (bytes) => {
      const status = /^HTTP\/1\.1 (\d+)/.exec(bytes.toString('latin1'))?.[1] ?? 'other';
      this.answers.set(status, (this.answers.get(status) ?? 0) + 1);
    });
    await Promise.race([once(socket, 'connect'), once(socket, 'close'), delay(2000)]);
    if (socket.destroyed) return;
    socket.write(this.kind.opening({ host: `127.0.0.1:${port}`, id: this.target.id }));
    this.#opened.add(socket);
  }

  async #sendDatagrams(count) {
    const socket = createSocket('udp4');
    socket.bind(0, attacker);
    await once(socket, 'listening');
    for (let i = 0; i < count; i++) {
      await new Promise((done) => socket.send(this.kind.datagram(), this.target.server.options.mediaPort, '127.0.0.1', done));
    }
    socket.close();
  }

  #drip() {
    for (const socket of this.#opened) if (socket.writable) socket.write(this.kind.drip);
  }

  close() {
    clearInterval(this.#timer);
    for (const socket of this.#sockets) socket.destroy();
  }
}

/** Gets an address on a connection of this agent; gives status, body and how long it took, in ms. */
export function get(url, { agent, localAddress, timeout = 5000 } = {}) {
  const from = performance.now();
  return new Promise((resolve, reject) => {
    const asked = request(url, { agent, localAddress, timeout }, (answer) => {
      const chunks = [];
      answer.on('data', (chunk) => chunks.push(chunk));
      answer.on('error', reject);
      answer.on('end', () => resolve({ status: answer.statusCode, body: Buffer.concat(chunks), took: performance.now() - from }));
    });
    asked.on('timeout', () => asked.destroy(new Error(`no answer of ${url} within ${timeout} ms`)));
    asked.on('error', reject);
    asked.end();
  });
}

/** A viewer on one connection who loads the playlist again and again, and notes when it grew. */
export class Viewer {
  #agent;
  #stopped = false;
  #grew = performance.now();

  constructor(localAddress) {
    this.#agent = new Agent({ keepAlive: true, maxSockets: 1, localAddress });
    this.longest = 0; // ms between two playlists that differ
    this.failures = [];
  }

  /** Begins to follow the first video playlist of a stream. */
  async open(hls) {
    this.url = (await renditions(hls)).find(({ kind }) => kind === 'video').url;
    this.done = this.#follow();
    return this;
  }

  async #follow() {
    let last = '';
    while (!this.#stopped) {
      try {
        const { status, body } = await get(this.url, { agent: this.#agent });
        assert.equal(status, 200, body.toString());
        if (body.toString() !== last) this.#note();
        last = body.toString();
      } catch (err) {
        this.failures.push(err.message);
      }
      await delay(100);
    }
  }

  #note() {
    const now = performance.now();
    this.longest = Math.max(this.longest, now - this.#grew);
    this.#grew = now;
  }

  /** Forgets what was seen so far. */
  reset() {
    this.longest = 0;
    this.failures = [];
    this.#grew = performance.now();
  }

  /** The longest time without news, the running one included. */
  get gap() {
    return Math.max(this.longest, performance.now() - this.#grew);
  }

  async close() {
    this.#stopped = true;
    await this.done;
    this.#agent.destroy();
  }
}
