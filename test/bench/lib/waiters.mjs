// Viewers who all wait for the same next part of a playlist.

import { renditions } from '../../e2e/lib/media.mjs';
import { openConnections } from './connection.mjs';

/** An answer that comes sooner than this after its question, in ms, found nothing to wait for. */
const tooSoon = 300;

export class Waiters {
  /** Connects so many viewers to the first video playlist of a stream. */
  async open(hls, count) {
    const { url } = (await renditions(hls)).find(({ kind }) => kind === 'video');
    this.path = new URL(url).pathname;
    this.connections = await openConnections(new URL(url).origin, count);
    return this;
  }

  /**
   * All ask for the first part of the segment after the one that is open, and
   * wait for it. Gives the ms by which each was answered after the first of
   * them; null when some did not have to wait.
   */
  async round() {
    const { body } = await this.connections[0].get(this.path, true);
    const next = nextSegment(body.toString());
    const asked = performance.now();
    const answers = await Promise.all(this.connections.map((connection) => connection.get(`${this.path}?_HLS_msn=${next}&_HLS_part=0`)));
    const bad = answers.find(({ status }) => status !== 200);
    if (bad) throw new Error(`a waiter was answered ${bad.status}`);
    const first = Math.min(...answers.map((answer) => answer.first));
    return first - asked < tooSoon ? null : answers.map((answer) => answer.first - first);
  }

  close() {
    for (const connection of this.connections) connection.close();
  }
}

/** The media sequence number after that of the segment whose parts a playlist lists last. */
function nextSegment(playlist) {
  const first = Number(/^#EXT-X-MEDIA-SEQUENCE:(\d+)/m.exec(playlist)[1]);
  return first + playlist.match(/^#EXTINF:/gm).length + 1;
}
