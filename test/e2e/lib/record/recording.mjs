// Records a running stream through its end, over HLS and over DASH at once.

import { setTimeout as delay } from 'node:timers/promises';

import { readMultivariant } from '../lint/playlist.mjs';
import { ask, askFor, askInPieces } from './answer.mjs';
import { askAfterEnd, askWhileLive } from './questions.mjs';
import { RenditionRecorder } from './rendition.mjs';

/** How often the MPD is asked for: its own update period, in ms. */
const mpdEvery = 2000;
/** Every so many MPDs the multivariant playlist, and a segment that is being made, are asked for too. */
const othersEvery = 5;

export class Recording {
  tracks = [];
  /** `{at, text}` each. */
  multivariants = [];
  mpds = [];
  /** Segments that were asked for while they were made. */
  openSegments = [];
  /** Answers to single questions, by what was asked. */
  answers = {};

  #ended = new AbortController();

  constructor({ hls, dash }) {
    this.hls = hls;
    this.dash = dash;
  }

  /** Begins to record; `finish` waits for the end. */
  async start() {
    this.startedAt = Date.now();
    await this.#readManifests();
    const { variants, audio } = readMultivariant(this.multivariants[0].text);
    const found = [...variants.map(({ uri }) => ({ uri, kind: 'video' })), ...audio.map(({ URI: uri }) => ({ uri, kind: 'audio' }))];
    for (const { uri, kind } of found) {
      const name = /^stream(\w+)\.m3u8$/.exec(uri)[1];
      this.tracks.push(await new RenditionRecorder({ name, kind, url: new URL(uri, this.hls).href }).open());
    }
    this.running = Promise.all([...this.tracks.map((track) => track.run()), this.#followManifests()]);
    this.running.catch(() => this.#ended.abort()); // finish says why
    return this;
  }

  /** Asks what a player asks only when something is wrong. */
  async question() {
    Object.assign(this.answers, await askWhileLive(this));
  }

  /** Waits until all playlists have ended, then reads everything once more. */
  async finish() {
    this.endedAt = Date.now();
    this.#ended.abort();
    await this.running;
    await this.#untilStatic();
    await this.#readManifests();
    Object.assign(this.answers, await askAfterEnd(this));
    return this;
  }

  /** Asks for the MPD as players do that were watching, who are told the end first. */
  async #untilStatic() {
    const deadline = Date.now() + 15_000;
    while (!this.mpds.at(-1)?.text.includes('type="static"') && Date.now() < deadline) {
      const { at, bytes } = await askFor(this.dash);
      this.mpds.push({ at, text: bytes.toString() });
      await delay(mpdEvery);
    }
  }

  async #readManifests() {
    for (const [into, url] of [[this.multivariants, this.hls], [this.mpds, this.dash]]) {
      const { at, bytes } = await askFor(url);
      into.push({ at, text: bytes.toString() });
    }
  }

  async #followManifests() {
    const open = [];
    for (let turn = 1; !this.#ended.signal.aborted; turn++) {
      await delay(mpdEvery, undefined, { signal: this.#ended.signal }).catch(() => {});
      if (this.#ended.signal.aborted) break;
      const { at, bytes, status } = await ask(this.dash);
      if (status === 200) this.mpds.push({ at, text: bytes.toString() });
      if (turn % othersEvery !== 0) continue;
      const { at: then, bytes: text } = await askFor(this.hls);
      this.multivariants.push({ at: then, text: text.toString() });
      open.push(...this.tracks.map((track) => this.#nextSegment(track)));
    }
    this.openSegments.push(...(await Promise.all(open)));
  }

  /** Asks for the next segment that none of is there, a little early. */
  async #nextSegment({ name, newest: { open } }) {
    const number = open.parts.length > 0 ? open.msn + 1 : open.msn;
    const answer = await askInPieces(new URL(`chunk-stream${name}-${number}.m4s`, this.dash).href);
    return { ...answer, track: name, number };
  }
}
