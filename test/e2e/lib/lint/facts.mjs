// What the boxes of a recording say, read once for all rules.

import { readChunks, readInit } from './boxes.mjs';
import { partsOf } from './playlist.mjs';

const known = new WeakMap();

/**
 * The facts of a recorded track: its `init`; its `parts` in the order of their
 * places, each with what playlists say of it and the `file` it is, and the same
 * `byName`; its `segments` with the `file` each is.
 */
export function factsOf(track) {
  if (!known.has(track)) known.set(track, read(track));
  return known.get(track);
}

function read(track) {
  const init = readInit(track.init);
  const listed = new Map();
  for (const { playlist } of track.versions) for (const part of partsOf(playlist)) listed.set(part.uri, part);
  const parts = [...track.parts]
    .map(([uri, { at, bytes }]) => partOf(uri, at, bytes, listed.get(uri), init))
    .sort((a, b) => a.msn - b.msn || a.index - b.index);
  const segments = track.inOrder.map((segment) => ({ ...segment, file: readChunks(segment.bytes, init.trex) }));
  return { init, parts, byName: new Map(parts.map((part) => [part.uri, part])), segments };
}

/**
 * A part: what playlists said of it, or, of the one that came with the end and
 * was hinted at only, what it says itself.
 */
function partOf(uri, at, bytes, listed, init) {
  const [, msn, index] = /-(\d+)-(\d+)\.m4s$/.exec(uri);
  const file = readChunks(bytes, init.trex);
  const own = { msn: Number(msn), index: Number(index), seconds: lengthOf(file, init), independent: file.fragments[0].samples[0].sync, last: true };
  return { uri, at, bytes, file, ...(listed ?? own) };
}

/** How long a file of chunks lasts, in seconds. */
export function lengthOf({ fragments }, { timescale }) {
  return fragments.reduce((sum, { duration }) => sum + duration, 0) / timescale;
}

/** Where a file of chunks starts and ends, in seconds on the stream clock. */
export function spanOf({ fragments }, { timescale }) {
  const [first, last] = [fragments[0], fragments.at(-1)];
  return { start: first.start / timescale, end: (last.start + last.duration) / timescale };
}

/** The listed segments of a track in their order: what the last version that lists each says of it. */
export function listedSegments(track) {
  const listed = new Map();
  for (const { playlist } of track.versions) for (const segment of playlist.segments) listed.set(segment.msn, segment);
  return [...listed.values()].sort((a, b) => a.msn - b.msn);
}
