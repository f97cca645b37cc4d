// Rules of DASH for the MPD, and for media against it. Clauses are those of the
// DASH-IF restricted timing model (TM) and of the low-latency rules as the DASH-IF
// conformance tool holds them (LL, 9.X.4), unless another document is named.

import { parse } from 'mpd-parser';

import { factsOf, spanOf } from './facts.mjs';
import { durationsOf, numbersOf, readMPD, seconds } from './mpd.mjs';
import { changes, rule } from './rule.mjs';

const known = new WeakMap();

/** The MPDs of a recording, read: those of the running stream, and the last. */
export function mpdsOf(recording) {
  if (!known.has(recording)) {
    const all = recording.mpds.map(({ at, text }) => ({ at, ...readMPD(text) }));
    known.set(recording, { all, live: all.filter(({ type }) => type === 'dynamic'), last: all.at(-1) });
  }
  return known.get(recording);
}

/** When media time was 0, in ms since 1970, by what an MPD says of a period's first segment. */
export function anchorOf({ availabilityStartTime, periods: [{ start, sets }] }) {
  const [{ presentationTimeOffset, timescale }] = sets[0].templates;
  return Date.parse(availabilityStartTime) + (seconds(start) - presentationTimeOffset / timescale) * 1000;
}

/** Every adaptation set of some MPDs. */
function* setsOf(mpds) {
  for (const mpd of mpds) for (const period of mpd.periods) for (const set of period.sets) yield { mpd, period, set, template: set.templates[0] };
}

/** The track of a representation. */
function trackOf({ tracks }, { id }) {
  return tracks.find(({ name }) => name === id);
}

/** The only schemes that all players take. */
const clockSchemes = ['urn:mpeg:dash:utc:http-iso:2014', 'urn:mpeg:dash:utc:http-xsdate:2014'];
const wholeMilliseconds = 1.5;
/** One AAC frame in seconds. */
const soundFrame = 1024 / 48_000;

export const dashRules = [
  // Of a period that does not start at 0, which is what is left of a long stream, it
  // takes the end of the presentation for the length, and goes on counting: what it
  // sees begins with what there is. A track that has a segment more than others, as
  // sound may at the end, has one less that they have, too, at the start.
  rule('D1 mpd-parser reads the same segments', function* (recording) {
    const { playlists, mediaGroups } = parse(mpdsOf(recording).last.text, { manifestUri: recording.dash });
    const sound = Object.values(mediaGroups.AUDIO.audio).flatMap((group) => group.playlists);
    const oldest = Math.max(...recording.tracks.map(({ newest }) => newest.segments[0].msn));
    for (const { segments } of [...playlists, ...sound]) {
      const track = recording.tracks.find(({ name }) => segments[0]?.uri.includes(`-stream${name}-`));
      const listed = track.newest.segments.filter(({ msn }) => msn >= oldest).map(({ uri }) => uri);
      const theirs = segments.slice(0, listed.length).map(({ uri }) => uri);
      if (theirs.join() !== listed.join()) yield `${track.name}: ${theirs} by DASH, ${listed} by HLS`;
    }
  }),

  rule('D2 what names the timeline never changes', function* (recording) {
    const { all, live } = mpdsOf(recording);
    yield* changes('availabilityStartTime', all.map((mpd) => mpd.availabilityStartTime));
    yield* changes('the start of the period', live.map((mpd) => mpd.periods.map(({ id, start }) => `${id} ${start}`).join()));
    yield* changes('the period', all.map((mpd) => mpd.periods.map(({ id }) => id).join()));
    yield* changes('an adaptation set', all.map((mpd) => mpd.periods.map(({ sets }) => sets.map(({ id, representations }) => `${id}: ${representations.map((r) => r.id)}`)).join(';')));
    for (const { set } of setsOf(all)) if (!set.id) yield 'an adaptation set has no id';
  }),

  rule('D3 the window is fixed, and there is something in it', function* (recording) {
    const { all, live } = mpdsOf(recording);
    yield* changes('timeShiftBufferDepth', live.map((mpd) => mpd.timeShiftBufferDepth));
    yield* changes('suggestedPresentationDelay', live.map((mpd) => mpd.suggestedPresentationDelay));
    yield* changes('maxSegmentDuration', all.map((mpd) => mpd.maxSegmentDuration));
    for (const mpd of live) {
      if (!(seconds(mpd.timeShiftBufferDepth) > seconds(mpd.suggestedPresentationDelay))) yield `a window of ${mpd.timeShiftBufferDepth}, a delay of ${mpd.suggestedPresentationDelay}`;
    }
    for (const track of recording.tracks) {
      const { init, segments } = factsOf(track);
      for (const { url, file } of segments) {
        const { start, end } = spanOf(file, init);
        if (end - start > seconds(all[0].maxSegmentDuration)) yield `${url} lasts ${end - start} s of ${all[0].maxSegmentDuration}`;
      }
    }
  }),

  rule('D4 players are told a clock they all read', function* (recording) {
    for (const { utcTimings } of mpdsOf(recording).live) {
      if (!utcTimings.some(({ schemeIdUri, value }) => clockSchemes.includes(schemeIdUri) && value)) yield `clocks: ${JSON.stringify(utcTimings)}`;
    }
  }),

  rule('D5 the latency to aim at is said', function* (recording) {
    for (const { services } of mpdsOf(recording).live) {
      const [latency] = services.flatMap(({ latencies }) => latencies);
      if (!(Number(latency?.target) > 0)) yield `a target of ${latency?.target}`;
      if (!(Number(latency?.min) <= Number(latency?.target) && Number(latency?.target) <= Number(latency?.max))) yield `${latency?.min} to ${latency?.max} around ${latency?.target}`;
      if (services.flatMap(({ rates }) => rates).length === 0) yield 'no PlaybackRate';
    }
  }),

  rule('D6 every representation is there a segment less a chunk early', function* (recording) {
    for (const { set, template } of setsOf(mpdsOf(recording).live)) {
      const early = Number(template.availabilityTimeOffset);
      const chunk = Math.max(...set.representations.map((r) => Math.max(...factsOf(trackOf(recording, r)).parts.map(({ seconds: long }) => long))));
      const wanted = Number(template.duration) / Number(template.timescale) - chunk;
      if (!(early >= 0) || Math.abs(early - wanted) > soundFrame) yield `set ${set.id}: availabilityTimeOffset ${early}, chunks of ${chunk} s`;
    }
  }),

  rule('D7 and is not whole by then', function* (recording) {
    for (const { set, template } of setsOf(mpdsOf(recording).live)) if (template.availabilityTimeComplete !== 'false') yield `set ${set.id}: availabilityTimeComplete ${template.availabilityTimeComplete}`;
  }),

  rule('D8 segments have one kind of address', function* (recording) {
    for (const { set, template } of setsOf(mpdsOf(recording).all)) {
      if (set.templates.length !== 1 || set.timelines > 0 || !template.duration || !template.media.includes('$Number$')) yield `set ${set.id}: ${JSON.stringify(set.templates)}`;
    }
  }),

  rule('D9 segments stay where their number puts them', function* (recording) {
    for (const { set, template } of setsOf([mpdsOf(recording).live[0]])) {
      const nominal = Number(template.duration) / Number(template.timescale);
      for (const representation of set.representations) {
        const { init, segments } = factsOf(trackOf(recording, representation));
        for (const { msn, url, file } of segments.slice(1)) { // the first may begin in its middle
          const off = spanOf(file, init).start - msn * nominal;
          if (off < 0 || off >= soundFrame) yield `${url} starts ${off} s after its place`;
        }
      }
    }
  }),

  rule('D11 no segment is missing', function* ({ tracks }) {
    for (const track of tracks) {
      const numbers = track.inOrder.map(({ msn }) => msn);
      for (const [i, number] of numbers.entries()) if (number !== numbers[0] + i) yield `${track.name}: ${numbers[i - 1]} is followed by ${number}`;
      for (const { playlist } of track.versions) if (playlist.segments.some(({ gap }) => gap)) yield `${track.name}: EXT-X-GAP`;
    }
  }),

  rule('D12 the producer’s time in the MPD is that in each chunk', function* (recording) {
    const { live } = mpdsOf(recording);
    for (const { mpd, period, set, template } of setsOf(live)) {
      const [reference, more] = set.references;
      if (!reference || more) yield `set ${set.id} has ${set.references.length} references`;
      if (!['encoder', 'captured'].includes(reference.type) || reference.inband !== 'true') yield `set ${set.id}: ${JSON.stringify(reference)}`;
      if (JSON.stringify(reference.utcTimings) !== JSON.stringify(mpd.utcTimings)) yield `set ${set.id}: another clock than the MPD’s`;
      const presented = seconds(period.start) + (reference.presentationTime - template.presentationTimeOffset) / template.timescale;
      const wall = Date.parse(mpd.availabilityStartTime) + presented * 1000;
      if (Math.abs(Date.parse(reference.wallClockTime) - wall) > wholeMilliseconds) yield `set ${set.id}: ${reference.wallClockTime} for what is presented at ${new Date(wall).toISOString()}`;
    }
    const ids = live[0].periods.flatMap(({ sets }) => sets.flatMap(({ references }) => references.map(({ id }) => id)));
    if (new Set(ids).size !== ids.length) yield `ids ${ids}`;
    yield* referencesOf(recording, live[0]);
  }),

  rule('D13 there is a point to join at in each chunk', function* (recording) {
    for (const { mpd, set, template } of setsOf(mpdsOf(recording).live)) {
      const [resync] = set.resyncs;
      const apart = Number(resync?.dT) / Number(template.timescale);
      const target = mpd.services[0].latencies[0].target / 1000;
      if (resync?.marker !== 'true') yield `set ${set.id}: marker ${resync?.marker}`;
      if (!(apart <= target / 2)) yield `set ${set.id}: ${apart} s apart, for a latency of ${target} s`;
      for (const r of set.representations) {
        for (const { uri, seconds: long } of factsOf(trackOf(recording, r)).parts) if (long > apart) yield `${uri} lasts ${long} s, and dT is ${apart} s`;
      }
    }
  }),

  rule('D14 a running MPD says how long it is valid', function* (recording) {
    const { live } = mpdsOf(recording);
    if (live.length === 0) yield 'there is none';
    for (const mpd of live) if (!(seconds(mpd.minimumUpdatePeriod) > 0)) yield `minimumUpdatePeriod ${mpd.minimumUpdatePeriod}`;
  }),

  rule('D15 the end is said, and is the end of the media', function* (recording) {
    const { last } = mpdsOf(recording);
    if (last.type !== 'static' || last.minimumUpdatePeriod !== undefined) yield `${last.type}, updated every ${last.minimumUpdatePeriod}`;
    const end = Math.min(...recording.tracks.map((track) => spanOf(factsOf(track).segments.at(-1).file, factsOf(track).init).end));
    const said = Date.parse(last.availabilityStartTime) / 1000 + seconds(last.mediaPresentationDuration) - anchorOf(last) / 1000;
    if (!(Math.abs(said - end) < 0.002)) yield `it ends at ${said} s, and the media at ${end} s`;
  }),

  rule('D16 publishTime rises with each change, and with nothing else', function* (recording) {
    const { all } = mpdsOf(recording);
    for (const [i, mpd] of all.entries()) {
      const before = all[i - 1];
      if (!before) continue;
      const changed = mpd.text !== before.text;
      const later = Date.parse(mpd.publishTime) > Date.parse(before.publishTime);
      if (changed !== later) yield `${changed ? 'changed' : 'the same'}, published ${before.publishTime} and ${mpd.publishTime}`;
    }
    yield* changes('presentationTimeOffset', mpdsOf(recording).live.map((mpd) => [...setsOf([mpd])].map(({ template }) => template.presentationTimeOffset).join()));
  }),

  rule('D18 lengths are lengths, and no number is too large for a player', function* (recording) {
    for (const { text } of mpdsOf(recording).all) {
      for (const { name, value } of durationsOf(text)) if (Number.isNaN(seconds(value))) yield `${name}="${value}"`;
      for (const { name, value } of numbersOf(text)) if (!Number.isSafeInteger(value)) yield `${name}="${value}"`;
    }
    for (const track of recording.tracks) {
      for (const { uri, file } of factsOf(track).parts) if (!Number.isSafeInteger(file.fragments[0].start)) yield `${uri} starts at ${file.fragments[0].start}`;
    }
  }),
];

/** What is wrong with the reference times in chunks. */
function* referencesOf({ tracks }, mpd) {
  const anchor = anchorOf(mpd);
  for (const track of tracks) {
    const { init, parts } = factsOf(track);
    for (const { uri, file } of parts) {
      const [{ prft, start }] = file.fragments;
      if (prft === null) {
        yield `${uri} has no prft`;
        continue;
      }
      const wall = anchor + (start / init.timescale) * 1000;
      if (prft.track !== init.trackID || prft.time !== start) yield `${uri}: prft of track ${prft.track} at ${prft.time}, decoded at ${start}`;
      if (Math.abs(prft.wall - wall) > 0.01) yield `${uri}: prft says ${prft.wall}, the MPD ${wall}`;
      if (prft.flags !== 0) yield `${uri}: prft of kind ${prft.flags}, which is not the encoder’s input`;
    }
  }
}
