// Rules of HLS for what a playlist says of itself and of its segments. Clauses
// are those of draft-pantos-hls-rfc8216bis unless another document is named.

import HLS from 'hls-parser';
import { Parser } from 'm3u8-parser';

import { anchorOf, mpdsOf } from './dash.mjs';
import { factsOf, listedSegments, spanOf } from './facts.mjs';
import { readMultivariant } from './playlist.mjs';
import { changes, rule, versionsOf } from './rule.mjs';

/** Tags that a media playlist has once, or not at all. */
const single = [
  'EXTM3U', 'EXT-X-VERSION', 'EXT-X-INDEPENDENT-SEGMENTS', 'EXT-X-TARGETDURATION', 'EXT-X-MEDIA-SEQUENCE', 'EXT-X-DISCONTINUITY-SEQUENCE',
  'EXT-X-ENDLIST', 'EXT-X-PART-INF', 'EXT-X-SERVER-CONTROL', 'EXT-X-MAP', 'EXT-X-SKIP', 'EXT-X-PLAYLIST-TYPE',
];

/** Runs a reader that throws at what it does not take. */
function complaint(read) {
  try {
    read();
    return null;
  } catch (err) {
    return err.message;
  }
}

/**
 * What hls-parser says of a playlist in its strict mode. It holds every part to
 * 85 % of the target, where INDEPENDENT ones need not fill it (section 4.4.4.9):
 * it is given those as if they did, and H5 looks at the rest.
 */
function strictly(text) {
  const [, target] = /PART-TARGET=([\d.]+)/.exec(text) ?? [];
  const full = text.replaceAll(/(#EXT-X-PART:DURATION=)([\d.]+)(.*,INDEPENDENT=YES)/g, (_, name, seconds, rest) => name + Math.max(seconds, 0.85 * target) + rest);
  HLS.setOptions({ strictMode: true, silent: true });
  return complaint(() => HLS.parse(full));
}

/** A second reading: how many segments m3u8-parser sees. */
function readAgain(text) {
  const parser = new Parser();
  parser.push(text);
  parser.end();
  return parser.manifest;
}

/** Segments that a window has at least, once the stream is longer than they are (Apple's authoring specification, 8.11). */
const leastWindow = 6;
/** A date is written to the millisecond. */
const dateError = 1.5;

export const playlistRules = [
  rule('H1 hls-parser takes each playlist, strictly', function* (recording) {
    for (const { text, at } of recording.multivariants) if (strictly(text)) yield `multivariant playlist of ${at}: ${strictly(text)}`;
    for (const { track, text } of versionsOf(recording)) {
      const said = strictly(text);
      if (said) yield `${track.name}: ${said}\n${text}`;
    }
  }),

  rule('H1 m3u8-parser reads the same segments', function* (recording) {
    for (const track of recording.tracks) {
      for (const { text, playlist } of track.versions.filter((_, i) => i % 50 === 0)) {
        const other = readAgain(text);
        const theirs = other.segments.filter(({ uri }) => uri).map(({ uri, duration }) => `${uri} ${duration}`).join();
        const ours = playlist.segments.map(({ uri, seconds }) => `${uri} ${seconds}`).join();
        if (theirs !== ours) yield `${track.name}: ${theirs} instead of ${ours}`;
        if (other.mediaSequence !== playlist.mediaSequence) yield `${track.name}: it starts at ${other.mediaSequence}`;
      }
    }
  }),

  rule('H1 the head comes first, each tag once, with the version it needs', function* (recording) {
    for (const { track, playlist } of [...versionsOf(recording), ...deltasOf(recording)]) {
      if (playlist.lines[0] !== '#EXTM3U') yield `${track.name} begins with ${playlist.lines[0]}`;
      for (const name of single) if (playlist.counts.get(name) > 1) yield `${track.name} has ${name} ${playlist.counts.get(name)} times`;
      const least = playlist.counts.has('EXT-X-SKIP') ? 9 : 6; // section 8
      if (!(playlist.version >= least)) yield `${track.name} has version ${playlist.version}, and needs ${least}`;
    }
  }),

  rule('H2 the target duration stays, and segments keep it', function* (recording) {
    yield* changes('EXT-X-TARGETDURATION', [...versionsOf(recording)].map(({ playlist }) => playlist.targetDuration));
    for (const track of recording.tracks) {
      for (const { uri, seconds } of listedSegments(track)) {
        if (Math.round(seconds) > track.newest.targetDuration) yield `${uri} lasts ${seconds} s`;
      }
    }
  }),

  rule('H7 HOLD-BACK is three target durations or more', function* (recording) {
    for (const { track, playlist } of versionsOf(recording)) {
      const holdBack = playlist.control?.['HOLD-BACK'];
      if (holdBack !== undefined && Number(holdBack) < 3 * playlist.targetDuration) yield `${track.name}: HOLD-BACK=${holdBack}`;
    }
  }),

  rule('H18 segments can be started with, and the playlists say so', function* (recording) {
    for (const { text, at } of recording.multivariants) if (!text.includes('#EXT-X-INDEPENDENT-SEGMENTS\n')) yield `not in the multivariant playlist of ${at}`;
    for (const track of recording.tracks) {
      for (const { url, file } of factsOf(track).segments) if (!file.fragments[0]?.samples[0]?.sync) yield `${url} starts without a sync sample`;
    }
  }),

  rule('H21 each segment has its place on the wall clock, that of its decode time', function* (recording) {
    const anchor = anchorOf(mpdsOf(recording).live[0]);
    for (const { track, playlist } of versionsOf(recording)) {
      const dated = [...playlist.segments, ...(playlist.open.parts.length > 0 ? [playlist.open] : [])];
      for (const [i, { msn, dateTime }] of dated.entries()) {
        if (dateTime === null) yield `${track.name}: segment ${msn} has no EXT-X-PROGRAM-DATE-TIME`;
        if (i > 0 && dateTime <= dated[i - 1].dateTime) yield `${track.name}: segment ${msn} is dated before the one before it`;
      }
    }
    for (const track of recording.tracks) {
      const dates = new Map(listedSegments(track).map(({ uri, dateTime }) => [uri, dateTime]));
      const { init, segments } = factsOf(track);
      for (const { url, at, file } of segments) {
        const date = dates.get(url.slice(url.lastIndexOf('/') + 1));
        const decoded = anchor + spanOf(file, init).start * 1000;
        if (Math.abs(date - decoded) > dateError) yield `${url} is dated ${date}, and decoded at ${decoded}`;
        if (date > at) yield `${url} is dated ${date - at} ms ahead of its coming`;
      }
    }
  }),

  rule('H22 nothing breaks, and EXT-X-DISCONTINUITY-SEQUENCE is always there', function* (recording) {
    for (const { track, playlist } of versionsOf(recording)) {
      if (!playlist.lines.includes('#EXT-X-DISCONTINUITY-SEQUENCE:0')) yield `${track.name}: it is missing, or not 0`;
      if (playlist.counts.has('EXT-X-DISCONTINUITY')) yield `${track.name}: EXT-X-DISCONTINUITY`;
    }
  }),

  rule('H23 numbers only grow, and each keeps its address', function* ({ tracks }) {
    for (const track of tracks) {
      const addresses = new Map();
      let first = 0;
      for (const { playlist } of track.versions) {
        if (playlist.mediaSequence < first) yield `${track.name}: EXT-X-MEDIA-SEQUENCE goes back from ${first} to ${playlist.mediaSequence}`;
        first = playlist.mediaSequence;
        for (const { msn, uri } of playlist.segments) {
          if ((addresses.get(msn) ?? uri) !== uri) yield `${track.name}: segment ${msn} was ${addresses.get(msn)}, and is ${uri}`;
          addresses.set(msn, uri);
        }
      }
      if (new Set(addresses.values()).size !== addresses.size) yield `${track.name}: two numbers have one address`;
    }
  }),

  rule('H24 variants say what they take, and take no more', function* (recording) {
    const rates = ratesOf(recording);
    yield* changes('EXT-X-TARGETDURATION of pictures and sound', recording.tracks.map(({ newest }) => newest.targetDuration));
    for (const { text, at } of recording.multivariants) {
      for (const variant of readMultivariant(text).variants) {
        for (const name of ['BANDWIDTH', 'AVERAGE-BANDWIDTH', 'CODECS', 'RESOLUTION', 'FRAME-RATE']) if (!variant[name]) yield `${variant.uri} of ${at} has no ${name}`;
        const [video, audio] = [rates.get(variant.uri), rates.get('audio')];
        const [peak, average] = [video.peak + audio.peak, video.average + audio.average];
        // Apple's authoring specification, 1.28 and 1.29.
        if (peak >= 1.25 * variant.BANDWIDTH) yield `${variant.uri} of ${at} says ${variant.BANDWIDTH}, and a segment takes ${peak}`;
        if (average >= 1.1 * variant['AVERAGE-BANDWIDTH']) yield `${variant.uri} of ${at} says ${variant['AVERAGE-BANDWIDTH']} on average, and takes ${average}`;
      }
    }
  }),

  rule('H25 the window is six segments or more, and as long as it says', function* (recording) {
    for (const track of recording.tracks) {
      const { init, segments } = factsOf(track);
      for (const { playlist } of track.versions) {
        const begun = playlist.segments[0].msn === segments[0].msn; // the stream is young
        if (playlist.segments.length < leastWindow && !begun) yield `${track.name}: ${playlist.segments.length} segments`;
      }
      const spans = new Map(segments.map((segment) => [segment.msn, spanOf(segment.file, init)]));
      for (const { playlist } of track.versions.filter((_, i) => i % 20 === 0)) {
        const said = playlist.segments.reduce((sum, { seconds }) => sum + seconds, 0);
        const real = spans.get(playlist.segments.at(-1).msn).end - spans.get(playlist.segments[0].msn).start;
        if (Math.abs(said - real) > 1 / 30) yield `${track.name}: the segments last ${real} s, and are said to last ${said} s`;
      }
    }
  }),
];

/** All delta updates, with their track. */
function* deltasOf({ tracks }) {
  for (const track of tracks) for (const delta of track.deltas) yield { track, ...delta };
}

/** The highest and the mean rate of each track's whole segments, in bits a second; by the playlist's address, and `audio`. */
function ratesOf({ tracks }) {
  return new Map(tracks.map((track) => {
    const { init, segments } = factsOf(track);
    const whole = segments
      .map(({ bytes, file }) => ({ bits: bytes.length * 8, ...spanOf(file, init) }))
      .map(({ bits, start, end }) => ({ bits, seconds: end - start }))
      .filter(({ seconds }) => seconds >= track.newest.targetDuration / 2);
    const total = (of) => whole.reduce((sum, segment) => sum + segment[of], 0);
    const name = track.kind === 'audio' ? 'audio' : `stream${track.name}.m3u8`;
    return [name, { peak: Math.max(...whole.map(({ bits, seconds }) => bits / seconds)), average: total('bits') / total('seconds') }];
  }));
}
