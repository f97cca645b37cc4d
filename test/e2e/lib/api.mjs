// The HTTP API, called from Node.

import assert from 'node:assert/strict';

/** Calls the API. `body` is sent as JSON unless it is text or bytes. */
export async function call(server, method, path, { body, key = server.key, headers = {}, signal } = {}) {
  const raw = typeof body === 'string' || body instanceof Uint8Array || body === undefined;
  const response = await fetch(`${server.origin}/v1${path}`, {
    method,
    headers: { 'Content-Type': 'application/json', ...(key ? { Authorization: `Bearer ${key}` } : {}), ...headers },
    body: raw ? body : JSON.stringify(body),
    signal,
  });
  const text = await response.text();
  let json;
  try {
    json = JSON.parse(text);
  } catch {
    assert.fail(`${method} ${path} answered ${response.status} with something that is not JSON: ${text.slice(0, 300)}`);
  }
  return { status: response.status, headers: response.headers, json };
}

/** Calls the API and gives the data of a 200. */
export async function data(server, method, path, options) {
  const { status, json } = await call(server, method, path, options);
  assert.equal(status, 200, `${method} ${path}: ${JSON.stringify(json)}`);
  assert.equal(json.code, 200);
  return json.data;
}

/** Creates and prepares a stream: of one rendition, which two cores carry, unless told otherwise. */
export async function preparedStream(server, name, quality = '360') {
  const stream = await data(server, 'POST', '/streams/create', { body: { name, quality } });
  return data(server, 'POST', `/streams/${stream.id}/prepare`);
}

/** A subscription to the events of a stream that remembers what came, and when. */
export class Events {
  #abort = new AbortController();
  #waiting = new Set();

  constructor(server, id, eventKey = '') {
    this.seen = [];
    this.url = `${server.origin}/v1/streams/${id}/events${eventKey && `/${eventKey}`}`;
  }

  /** Connects; resolves when the server has answered. */
  async open() {
    const response = await fetch(this.url, { headers: { Accept: 'text/event-stream' }, signal: this.#abort.signal });
    assert.equal(response.status, 200, this.url);
    this.done = this.#read(response.body).catch((err) => {
      if (err.name !== 'AbortError') throw err;
    });
    return this;
  }

  async #read(body) {
    let text = '';
    for await (const piece of body.pipeThrough(new TextDecoderStream())) {
      const blocks = (text + piece.replaceAll('\r', '')).split('\n\n');
      text = blocks.pop();
      for (const block of blocks) this.#take(block);
    }
  }

  #take(block) {
    const event = { type: 'message', data: '', at: Date.now() };
    for (const line of block.split('\n')) {
      const [, field, value] = /^([^:]*):? ?(.*)$/.exec(line);
      if (field === 'event') event.type = value;
      if (field === 'data') event.data += value;
      if (field === 'id') event.id = value;
    }
    if (event.data === '') return; // a comment, or a retry time
    this.seen.push(event);
    for (const look of this.#waiting) look();
  }

  /** Waits for an event of a type, among those already seen too. */
  async wait(type, timeout = 10_000) {
    let timer;
    let look;
    try {
      return await new Promise((resolve, reject) => {
        look = () => {
          const event = this.seen.find((e) => e.type === type);
          if (event) resolve(event);
        };
        timer = setTimeout(() => reject(new Error(`no ${type} within ${timeout} ms; seen: ${JSON.stringify(this.seen)}`)), timeout);
        this.#waiting.add(look);
        look();
      });
    } finally {
      clearTimeout(timer);
      this.#waiting.delete(look);
    }
  }

  /** Closes the connection. */
  async close() {
    this.#abort.abort();
    await this.done;
  }
}
