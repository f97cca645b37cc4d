// Rules of HLS for low latency: parts, what announces them, and how reloads are
// answered. Clauses are those of draft-pantos-hls-rfc8216bis.

import { factsOf, lengthOf } from './facts.mjs';
import { merge, nextPart, partsOf } from './playlist.mjs';
import { changes, rule, versionsOf } from './rule.mjs';

/** Durations are written to 10 µs. */
const written = 0.00001;
/** How far from the end parts are listed, in target durations (section 6.2.2). */
const listedFor = 3;
/** How exact an end is that is counted from a date and durations: a frame of sound more, for edges of sound are not those of pictures. */
const dated = 0.025;

/** The end of what a playlist lists, in seconds since 1970, and that of each of its segments. */
function endsOf({ segments, open }) {
  const segmentEnds = segments.map(({ dateTime, seconds }) => dateTime / 1000 + seconds);
  const openEnd = open.parts.length > 0 ? open.dateTime / 1000 + open.parts.reduce((sum, { seconds }) => sum + seconds, 0) : segmentEnds.at(-1);
  return { end: openEnd, segmentEnds };
}

function place({ msn, part }) {
  return `${msn}.${part}`;
}

/** Live versions only. */
function* live(recording) {
  for (const version of versionsOf(recording)) if (!version.playlist.ended) yield version;
}

export const partRules = [
  rule('H3 PART-TARGET is there, and stays', function* (recording) {
    for (const track of recording.tracks) {
      yield* changes(`PART-TARGET of ${track.name}`, track.versions.map(({ playlist }) => playlist.partTarget));
      if (!(track.newest.partTarget > 0)) yield `${track.name} has none`;
    }
  }),

  rule('H4 no part is longer than PART-TARGET', function* ({ tracks }) {
    for (const track of tracks) {
      for (const { uri, seconds } of factsOf(track).parts) if (seconds > track.newest.partTarget) yield `${uri} lasts ${seconds} s of ${track.newest.partTarget}`;
    }
  }),

  rule('H5 parts fill their target', function* ({ tracks }) {
    for (const track of tracks) {
      for (const { uri, seconds, independent, last } of factsOf(track).parts) {
        if (!independent && !last && seconds < 0.85 * track.newest.partTarget) yield `${uri} lasts ${seconds} s of ${track.newest.partTarget}`;
      }
    }
  }),

  rule('H6 PART-HOLD-BACK is three of the longest part targets or more, in all renditions alike', function* (recording) {
    const longest = Math.max(...recording.tracks.map(({ newest }) => newest.partTarget));
    yield* changes('PART-HOLD-BACK', [...versionsOf(recording)].map(({ playlist }) => playlist.control?.['PART-HOLD-BACK']));
    for (const { name, newest } of recording.tracks) {
      if (!(Number(newest.control?.['PART-HOLD-BACK']) >= 3 * longest - written)) yield `${name}: ${newest.control?.['PART-HOLD-BACK']} for parts of ${longest} s`;
    }
  }),

  rule('H8 blocking reload is offered', function* (recording) {
    for (const { track, playlist } of versionsOf(recording)) if (playlist.control?.['CAN-BLOCK-RELOAD'] !== 'YES') yield `${track.name}: it is not`;
  }),

  rule('H9 a reload is answered with the part it asks for', function* (recording) {
    for (const { track, asked, playlist } of versionsOf(recording)) {
      if (asked === null || playlist.ended) continue;
      const next = nextPart(playlist);
      if (next.msn < asked.msn || (next.msn === asked.msn && next.part <= asked.part)) yield `${track.name}: ${place(asked)} was asked for, and what is there ends before ${place(next)}`;
    }
  }),

  rule('H13 parts come at their own pace', function* ({ tracks }) {
    for (const track of tracks) {
      const came = track.versions.filter(({ playlist }) => !playlist.ended).map(({ at }) => at);
      const between = came.slice(1).map((at, i) => (at - came[i]) / 1000).sort((a, b) => a - b);
      const median = between[Math.floor(between.length / 2)];
      // To one part it may be late by what the machine does beside it; three
      // target durations without one are what no player waits for.
      if (median > 1.1 * track.newest.partTarget) yield `${track.name}: a part every ${median} s`;
      if (between.at(-1) > 3 * track.newest.targetDuration) yield `${track.name}: no part for ${between.at(-1)} s`;
    }
  }),

  rule('H14 parts are listed near the end, and no longer', function* (recording) {
    for (const { track, playlist } of live(recording)) {
      const { end, segmentEnds } = endsOf(playlist);
      for (const [i, { uri, parts, seconds }] of playlist.segments.entries()) {
        const away = end - segmentEnds[i];
        if (parts.length > 0 && away + seconds > listedFor * playlist.targetDuration + dated) yield `${track.name}: parts of ${uri} are listed, which begins ${away + seconds} s from the end`;
        if (parts.length === 0 && i >= playlist.segments.length - 2) yield `${track.name}: no parts of ${uri} are listed, ${away} s from the end`;
      }
    }
  }),

  rule('H15 the part to come is hinted at, once, by the name it will have', function* (recording) {
    for (const { track, playlist } of versionsOf(recording)) {
      if (playlist.hints.length !== (playlist.ended ? 0 : 1)) yield `${track.name}: ${playlist.hints.length} hints, ${playlist.ended ? 'after' : 'before'} the end`;
      for (const { TYPE: type } of playlist.hints) if (type !== 'PART') yield `${track.name}: a hint of type ${type}`;
    }
    for (const track of recording.tracks) {
      const names = new Map(factsOf(track).parts.map(({ msn, index, uri }) => [place({ msn, part: index }), uri]));
      for (const { playlist } of track.versions) {
        const name = names.get(place(nextPart(playlist)));
        for (const { URI: uri } of playlist.hints) if (name && uri !== name) yield `${track.name}: ${uri} was hinted at, and ${name} came`;
      }
    }
  }),

  rule('H17 parts on end are their segment, to the byte', function* ({ tracks }) {
    for (const track of tracks) {
      const { parts, segments } = factsOf(track);
      for (const { msn, url, bytes } of segments) {
        const own = parts.filter((part) => part.msn === msn);
        if (own.length === 0) continue; // older than the recording
        if (!Buffer.concat(own.map((part) => part.bytes)).equals(bytes)) yield `${url} is not its ${own.length} parts`;
      }
    }
  }),

  rule('H17 parts last as long as the playlist says', function* ({ tracks }) {
    for (const track of tracks) {
      const { init, parts } = factsOf(track);
      for (const { uri, seconds, file } of parts) {
        const real = lengthOf(file, init);
        if (Math.abs(real - seconds) > written) yield `${uri} lasts ${real} s, and is said to last ${seconds} s`;
      }
    }
  }),

  rule('H18 parts that can be started with are marked, and no others', function* ({ tracks }) {
    for (const track of tracks) {
      for (const { uri, index, independent, file } of factsOf(track).parts) {
        const sync = file.fragments[0].samples[0].sync;
        if (independent !== sync) yield `${uri} ${sync ? 'starts with a sync sample, and is not marked' : 'is marked, and starts without a sync sample'}`;
        if (index === 0 && !independent) yield `${uri} starts a segment, and is not INDEPENDENT`;
      }
    }
  }),

  rule('H19 the other renditions are reported, once each, where they are', function* (recording) {
    const parts = new Map(recording.tracks.map((track) => [`stream${track.name}.m3u8`, new Map(factsOf(track).parts.map((part) => [place({ msn: part.msn, part: part.index }), part]))]));
    const inits = new Map(recording.tracks.map((track) => [`stream${track.name}.m3u8`, factsOf(track).init]));
    for (const { track, playlist } of live(recording)) {
      const others = recording.tracks.filter((other) => other !== track).map((other) => `stream${other.name}.m3u8`);
      const reported = playlist.reports.map(({ URI: uri }) => uri);
      if ([...reported].sort().join() !== others.sort().join()) yield `${track.name} reports ${reported}`;
      for (const { URI: uri, 'LAST-MSN': msn, 'LAST-PART': part } of playlist.reports) {
        const last = parts.get(uri)?.get(place({ msn, part }));
        if (!last) {
          yield `${track.name} reports ${uri} at ${msn}.${part}, which never was`;
          continue;
        }
        const fragment = last.file.fragments.at(-1);
        const reportedEnd = (fragment.start + fragment.duration) / inits.get(uri).timescale;
        const ownEnd = endOf(track, playlist);
        if (Math.abs(reportedEnd - ownEnd) > playlist.targetDuration) yield `${track.name} ends at ${ownEnd} s and reports ${uri} at ${reportedEnd} s`;
      }
    }
  }),

  rule('H20 a delta update and the playlist before it are the whole', function* ({ tracks }) {
    for (const track of tracks) {
      const wholes = new Map(track.versions.map(({ playlist }) => [place(nextPart(playlist)), playlist]));
      if (!track.deltas.some(({ playlist }) => playlist.skipped > 0)) yield `${track.name}: no delta update skips anything`;
      for (const { old, playlist } of track.deltas) {
        const whole = wholes.get(place(nextPart(playlist)));
        if (!whole || playlist.ended !== whole.ended) continue; // of a moment that was not recorded whole
        if (playlist.counts.get('EXT-X-SKIP') > 1) yield `${track.name}: several EXT-X-SKIP`;
        // Reports say where others are at the moment of the answer.
        const [together, expected] = [merge(old, playlist), whole.lines].map((lines) => lines.filter((line) => !line.startsWith('#EXT-X-RENDITION-REPORT')).join('\n'));
        if (together !== expected) yield `${track.name}: put together\n${together}\ninstead of\n${expected}`;
      }
    }
  }),

  rule('H20 deltas skip what is older than CAN-SKIP-UNTIL, six target durations or more', function* ({ tracks }) {
    for (const track of tracks) {
      for (const { playlist } of track.deltas) {
        const until = Number(playlist.control?.['CAN-SKIP-UNTIL']);
        if (!(until >= 6 * playlist.targetDuration)) yield `${track.name}: CAN-SKIP-UNTIL=${until}`;
        if (playlist.skipped === 0 || playlist.segments.length === 0) continue;
        const { end } = endsOf(playlist);
        const shown = end - playlist.segments[0].dateTime / 1000;
        if (shown < until - 0.01) yield `${track.name}: only the last ${shown} s are shown`;
      }
    }
  }),
];

/** The end of what a playlist lists, in seconds on the stream clock. */
function endOf(track, playlist) {
  const { init, byName } = factsOf(track);
  const fragment = byName.get(partsOf(playlist).at(-1).uri).file.fragments.at(-1);
  return (fragment.start + fragment.duration) / init.timescale;
}
