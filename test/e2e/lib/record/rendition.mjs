// Records one rendition as a low-latency player sees it: every version of its
// playlist by blocking reload, every part by its hint, every segment.

import { nextPart, partsOf, readPlaylist } from '../lint/playlist.mjs';
import { ask, askFor } from './answer.mjs';

export class RenditionRecorder {
  /** Whole playlists: `{asked, at, text, playlist}`; `asked` is the part that was asked for, null at first. */
  versions = [];
  /** Delta updates, each beside the whole playlist that was asked for with it. */
  deltas = [];
  /** Answers by file name. */
  parts = new Map();
  segments = new Map();
  /** The answer for the part after the last. */
  abandoned = null;

  #fetches = [];

  constructor({ name, kind, url }) {
    this.name = name;
    this.kind = kind;
    this.url = url;
  }

  /** Reads the first playlist and the init segment. */
  async open() {
    this.#take(null, await askFor(this.url));
    this.init = (await askFor(this.#address(this.newest.map))).bytes;
    return this;
  }

  /** The newest playlist. */
  get newest() {
    return this.versions.at(-1).playlist;
  }

  /** The segments that were recorded, in their order. */
  get inOrder() {
    return [...this.segments.values()].sort((a, b) => a.msn - b.msn);
  }

  /** Follows the rendition to its end. */
  async run() {
    while (!this.newest.ended) {
      const asked = nextPart(this.newest);
      const address = `${this.url}?_HLS_msn=${asked.msn}&_HLS_part=${asked.part}`;
      const [whole, delta] = await Promise.all([askFor(address), askFor(`${address}&_HLS_skip=YES`)]);
      const old = this.newest;
      this.#take(asked, whole);
      const text = delta.bytes.toString();
      this.deltas.push({ at: delta.at, old, whole: this.newest, playlist: readPlaylist(text) });
    }
    await Promise.all(this.#fetches);
    await this.#fetchLastParts();
  }

  /** Fetches the parts of the last segment that came with the end, and were in no playlist. */
  async #fetchLastParts() {
    const { msn } = this.newest.segments.at(-1);
    for (let index = 0; ; index++) {
      const uri = `part-stream${this.name}-${msn}-${index}.m4s`;
      if (this.parts.has(uri)) continue;
      await this.#fetchNow(this.parts, uri, {});
      if (!this.parts.has(uri)) return;
    }
  }

  /** Keeps a playlist, and fetches what is new in it. */
  #take(asked, { at, bytes }) {
    const text = bytes.toString();
    const playlist = readPlaylist(text);
    this.versions.push({ asked, at, text, playlist });
    for (const { uri, msn } of playlist.segments) this.#fetch(this.segments, uri, { msn });
    for (const { uri } of partsOf(playlist)) this.#fetch(this.parts, uri);
    for (const { URI: uri } of playlist.hints) this.#fetch(this.parts, uri);
  }

  #fetch(into, uri, more = {}) {
    if (into.has(uri)) return;
    into.set(uri, null);
    this.#fetches.push(this.#fetchNow(into, uri, more));
  }

  async #fetchNow(into, uri, more) {
    const answer = await ask(this.#address(uri));
    if (answer.status === 200) {
      into.set(uri, { ...answer, ...more });
      return;
    }
    into.delete(uri);
    this.abandoned = answer;
  }

  #address(uri) {
    return new URL(uri, this.url).href;
  }
}
