// Rules of CMAF for boxes. Clauses are those of ISO/IEC 23000-19 unless another
// document is named.

import { factsOf, spanOf } from './facts.mjs';
import { changes, rule } from './rule.mjs';

/** The media profiles that belong to what our tracks hold (A.1.2, A.2). */
const profiles = { video: 'cfhd', audio: 'caac' };
/** One AAC frame in seconds. */
const soundFrame = 1024 / 48_000;

/** Each part of each track. */
function* partsOf({ tracks }) {
  for (const track of tracks) for (const part of factsOf(track).parts) yield { track, ...part };
}

export const boxRules = [
  rule('C1 the brands are CMAF’s', function* ({ tracks }) {
    for (const track of tracks) {
      const { init, segments } = factsOf(track);
      if (!init.brands.includes('cmfc') && !init.brands.includes('cmf2')) yield `${track.name}: ${init.brands}`;
      for (const { url, file } of segments) if (!file.brands.includes('cmfs')) yield `${url}: ${file.brands}`;
    }
  }),

  rule('C2 one track in a file, one run in a chunk', function* (recording) {
    for (const track of recording.tracks) if (factsOf(track).init.tracks !== 1) yield `${track.name}: ${factsOf(track).init.tracks} tracks`;
    for (const { track, uri, file } of partsOf(recording)) {
      if (file.fragments.length !== 1) yield `${uri}: ${file.fragments.length} fragments`;
      for (const { trafs, truns, track: id } of file.fragments) {
        if (trafs !== 1 || truns !== 1) yield `${uri}: ${trafs} traf, ${truns} trun`;
        if (id !== factsOf(track).init.trackID) yield `${uri}: track ${id}`;
      }
    }
  }),

  rule('C3 a chunk is [styp] prft moof mdat, and its samples fill mdat', function* (recording) {
    for (const { uri, index, file } of partsOf(recording)) {
      const wanted = index === 0 ? 'styp prft moof mdat' : 'prft moof mdat';
      if (file.order !== wanted) yield `${uri} is ${file.order}`;
      for (const { addressed, payload } of file.fragments) if (addressed.join() !== payload?.join()) yield `${uri}: samples at ${addressed}, mdat at ${payload}`;
    }
  }),

  rule('C4 each chunk starts where the one before it ended', function* ({ tracks }) {
    for (const track of tracks) {
      let end = null;
      for (const { uri, file } of factsOf(track).parts) {
        for (const { start, duration } of file.fragments) {
          if (start === undefined) yield `${uri} has no tfdt`;
          if (end !== null && start !== end) yield `${uri} starts at ${start}, and the one before it ended at ${end}`;
          end = start + duration;
        }
      }
    }
  }),

  rule('C5 each segment starts with a sync sample', function* ({ tracks }) {
    for (const track of tracks) {
      for (const { url, file } of factsOf(track).segments) if (!file.fragments[0].samples[0].sync) yield url;
    }
  }),

  rule('C6 composition times need no edit list', function* (recording) {
    for (const track of recording.tracks) if (factsOf(track).init.editLists > 0) yield `${track.name} has an edit list`;
    for (const { uri, file } of partsOf(recording)) {
      for (const { trunVersion, samples } of file.fragments) {
        if (trunVersion !== 1) yield `${uri}: trun of version ${trunVersion}`;
        if (samples[0].offset !== 0) yield `${uri}: the first picture is shown ${samples[0].offset} ticks after its time`;
      }
    }
  }),

  rule('C7 decode times count from the start of the clock', function* (recording) {
    for (const { uri, file } of partsOf(recording)) {
      for (const { start } of file.fragments) if (!(start >= 0 && start < 2 ** 53)) yield `${uri} starts at ${start}`;
    }
  }),

  rule('C8 pictures of all sizes are cut at the same instants', function* ({ tracks }) {
    const video = tracks.filter(({ kind }) => kind === 'video');
    if (video.length < 2) yield 'there is one size only';
    yield* changes('the timescale', video.map((track) => factsOf(track).init.timescale));
    const [first, ...others] = video.map((track) => new Map(factsOf(track).parts.map(({ msn, index, file }) => [`${msn}.${index}`, file.fragments.map(({ start, duration }) => `${start}+${duration}`).join()])));
    for (const other of others) {
      for (const [place, at] of other) if ((first.get(place) ?? at) !== at) yield `${place} is ${at} and ${first.get(place)}`;
    }
  }),

  rule('C9 pictures say their shape and colours, and their parameter sets once', function* ({ tracks }) {
    for (const track of tracks.filter(({ kind }) => kind === 'video')) {
      const { entries, pasp, colr, parameterSets } = factsOf(track).init;
      if (entries.join() !== 'avc1' || pasp !== 1 || colr !== 1 || parameterSets < 1) yield `${track.name}: ${entries}, ${pasp} pasp, ${colr} colr, ${parameterSets} parameter sets`;
    }
  }),

  rule('C10 sequence numbers rise', function* ({ tracks }) {
    for (const track of tracks) {
      let before = -1;
      for (const { uri, file } of factsOf(track).parts) {
        for (const { sequence } of file.fragments) {
          if (sequence <= before) yield `${uri}: ${sequence} after ${before}`;
          before = sequence;
        }
      }
    }
  }),

  rule('C11 the media profiles are cfhd and caac', function* ({ tracks }) {
    for (const track of tracks) {
      const { brands, codec } = factsOf(track).init;
      if (!brands.includes(profiles[track.kind])) yield `${track.name}: ${brands}`;
      if (track.kind === 'audio' && codec !== 'mp4a.40.2') yield `${track.name}: ${codec}`;
    }
  }),

  rule('C12 sound is cut less than one frame after the pictures', function* ({ tracks }) {
    const starts = (kind) => tracks.filter((track) => track.kind === kind).map((track) => new Map(factsOf(track).segments.map(({ msn, file }) => [msn, spanOf(file, factsOf(track).init).start])));
    const [[video], [audio]] = [starts('video'), starts('audio')];
    for (const [msn, start] of [...audio].slice(1)) { // the first may begin in its middle
      const after = start - (video.get(msn) ?? start);
      if (after < 0 || after >= soundFrame) yield `segment ${msn}: ${after} s`;
    }
  }),
];
