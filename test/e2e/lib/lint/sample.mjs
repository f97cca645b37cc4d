// A recording that was never taken: ten segments in parts of half a second, which
// keep every rule, and hooks to break one at a time.

import { readFileSync } from 'node:fs';

import { chunk, fileType } from './boxwriter.mjs';
import { nextPart, readPlaylist } from './playlist.mjs';

const anchor = Date.parse('2026-01-01T00:00:00Z');
const firstSegment = 5;
const segments = 10;
const perSegment = 4;
const partSeconds = 0.5;
const targetDuration = 2;
/** From the end of a part until it is there, in ms. */
const pipeline = 100;
const video = { kind: 'video', timescale: 90_000, sample: 3000, partTarget: 0.5, brand: 'cfhd', fixture: '360' };
const audio = { kind: 'audio', timescale: 48_000, sample: 1024, partTarget: 0.512, brand: 'caac', fixture: 'audio' };
const tracks = [{ name: '360', ...video }, { name: '480', ...video }, { name: 'audio', ...audio }];

const base = 'http://origin.test/streams/1/';

/** The moov that FFmpeg wrote for a fixture of the packager's. */
function moov(name) {
  const file = readFileSync(new URL(`../../../../internal/cmaf/cmaftest/testdata/${name}.mp4`, import.meta.url));
  const at = file.indexOf('moov') - 4;
  return file.subarray(at, at + file.readUInt32BE(at));
}

const wallOf = (seconds) => anchor + seconds * 1000;
const iso = (ms) => new Date(ms).toISOString();

/** The parts of a track with their boxes; `hook` may change the fields of each. */
function partsOf({ name, kind, timescale, sample }, hook) {
  const perPart = partSeconds * timescale;
  const parts = [];
  let next = Math.ceil((firstSegment * targetDuration * timescale) / sample) * sample;
  for (let msn = firstSegment; msn < firstSegment + segments; msn++) {
    for (let index = 0; index < perSegment; index++) {
      const place = msn * perSegment + index;
      const count = Math.ceil(((place + 1) * perPart - next) / sample);
      const fields = {
        track: 1, sequence: place + 1, start: next, brand: 'cmfs', first: index === 0, trunVersion: 1,
        durations: Array(count).fill(sample), sync: kind === 'audio' || index === 0, offset: 0,
        wall: wallOf(next / timescale), prft: next, runs: 1, gapInData: 0, flags: 0,
      };
      next += count * sample;
      Object.assign(fields, hook(fields, { name, msn, index }));
      const seconds = fields.durations.reduce((sum, d) => sum + d, 0) / timescale;
      const at = Math.round(wallOf(next / timescale) + pipeline);
      parts.push({ name, msn, index, uri: `part-stream${name}-${msn}-${index}.m4s`, start: (next - count * sample) / timescale, seconds, end: next / timescale, independent: fields.sync, at, bytes: chunk(fields) });
    }
  }
  return parts;
}

function partLine({ uri, seconds, independent }) {
  return `#EXT-X-PART:DURATION=${seconds.toFixed(5)},URI="${uri}"${independent ? ',INDEPENDENT=YES' : ''}`;
}

/** The playlist of a track once `count` of its parts are there. */
function playlistOf(track, all, count, { ended = false, skip = false } = {}) {
  const parts = all.get(track.name).slice(0, count);
  const whole = Math.floor(count / perSegment);
  const shown = Array.from({ length: whole }, (_, i) => parts.slice(i * perSegment, (i + 1) * perSegment));
  const end = parts.at(-1).end;
  const skipped = skip ? shown.filter((own) => end - own.at(-1).end >= 12).length : 0;
  const open = parts.slice(whole * perSegment);
  const lines = [
    '#EXTM3U', '#EXT-X-VERSION:9', '#EXT-X-INDEPENDENT-SEGMENTS', `#EXT-X-TARGETDURATION:${targetDuration}`,
    '#EXT-X-SERVER-CONTROL:CAN-BLOCK-RELOAD=YES,CAN-SKIP-UNTIL=12.0,HOLD-BACK=6.0,PART-HOLD-BACK=1.536',
    `#EXT-X-PART-INF:PART-TARGET=${track.partTarget.toFixed(3)}`, `#EXT-X-MEDIA-SEQUENCE:${firstSegment}`, '#EXT-X-DISCONTINUITY-SEQUENCE:0',
    `#EXT-X-MAP:URI="init-stream${track.name}.mp4"`,
    ...(skipped > 0 ? [`#EXT-X-SKIP:SKIPPED-SEGMENTS=${skipped}`] : []),
  ];
  const date = ([{ start }]) => `#EXT-X-PROGRAM-DATE-TIME:${iso(wallOf(start))}`;
  for (const [i, own] of [...shown.entries()].slice(skipped)) {
    lines.push(date(own), ...(ended || i < whole - 2 ? [] : own.map(partLine)));
    lines.push(`#EXTINF:${own.reduce((sum, { seconds }) => sum + seconds, 0).toFixed(5)},`, `chunk-stream${track.name}-${own[0].msn}.m4s`);
  }
  if (ended) return [...lines, '#EXT-X-ENDLIST', ''].join('\n');
  if (open.length > 0) lines.push(date(open), ...open.map(partLine));
  const [msn, index] = [firstSegment + whole, open.length];
  lines.push(`#EXT-X-PRELOAD-HINT:TYPE=PART,URI="part-stream${track.name}-${msn}-${index}.m4s"`);
  for (const { name } of tracks.filter((other) => other !== track)) {
    const last = all.get(name)[count - 1];
    lines.push(`#EXT-X-RENDITION-REPORT:URI="stream${name}.m3u8",LAST-MSN=${last.msn},LAST-PART=${last.index}`);
  }
  return `${lines.join('\n')}\n`;
}

/** A track as the recorder keeps it. */
function record(track, all, hooks) {
  const parts = all.get(track.name);
  const read = (n, options) => readPlaylist(hooks.playlist(playlistOf(track, all, n, options), { ...options, name: track.name, n }));
  const versions = [];
  const deltas = [];
  for (let n = perSegment; n <= parts.length; n++) {
    const ended = n === parts.length;
    const old = versions.at(-1)?.playlist;
    const playlist = read(n, { ended });
    const at = parts[n - 1].at;
    versions.push({ asked: old ? nextPart(old) : null, at, text: playlist.text, playlist });
    if (old) deltas.push({ at, old, whole: playlist, playlist: read(n, { ended, skip: true }) });
  }
  const segmentsByName = new Map();
  for (let i = 0; i < parts.length; i += perSegment) {
    const own = parts.slice(i, i + perSegment);
    const uri = `chunk-stream${track.name}-${own[0].msn}.m4s`;
    const bytes = hooks.segment(Buffer.concat(own.map((part) => part.bytes)), { name: track.name, msn: own[0].msn });
    segmentsByName.set(uri, { url: base + uri, at: own.at(-1).at, msn: own[0].msn, bytes });
  }
  return {
    name: track.name, kind: track.kind, url: `${base}stream${track.name}.m3u8`,
    init: hooks.init(Buffer.concat([fileType(['cmfc', 'iso6', 'dash', track.brand]), moov(track.fixture)]), track.name),
    versions, deltas, newest: versions.at(-1).playlist, abandoned: { url: base, status: 404 },
    parts: new Map(parts.map(({ uri, at, bytes }) => [uri, { url: base + uri, asked: at - partSeconds * 1000, at, bytes, headers: new Headers({ 'Content-Length': bytes.length }) }])),
    segments: segmentsByName, inOrder: [...segmentsByName.values()],
  };
}

const clock = '<UTCTiming schemeIdUri="urn:mpeg:dash:utc:http-iso:2014" value="/time"></UTCTiming>';

function set(id, kind, timescale, dT, representations, ended) {
  const offset = firstSegment * targetDuration * timescale;
  const live = `<ProducerReferenceTime id="${id}" inband="true" type="encoder" wallClockTime="${iso(wallOf(firstSegment * targetDuration))}" presentationTime="${offset}">${clock}</ProducerReferenceTime>
      <Resync type="0" dT="${dT}" dImin="0" marker="true"></Resync>`;
  const early = ' availabilityTimeOffset="1.5" availabilityTimeComplete="false"';
  return `<AdaptationSet id="${id}" contentType="${kind}" segmentAlignment="true" mimeType="${kind}/mp4" startWithSAP="1">
      ${ended ? '' : live}
      <SegmentTemplate media="chunk-stream$RepresentationID$-$Number$.m4s" initialization="init-stream$RepresentationID$.mp4" duration="${targetDuration * timescale}" startNumber="${firstSegment}" timescale="${timescale}" presentationTimeOffset="${offset}"${ended ? '' : early}></SegmentTemplate>
      ${representations.map((of) => `<Representation id="${of}" bandwidth="800000" codecs="${kind === 'audio' ? 'mp4a.40.2" audioSamplingRate="48000' : 'avc1.4d401e" width="640" height="360'}"></Representation>`).join('')}
    </AdaptationSet>`;
}

function mpdOf(ended, end) {
  const start = firstSegment * targetDuration;
  const life = ended
    ? `type="static" publishTime="${iso(wallOf(end))}" mediaPresentationDuration="PT${end - start}S"`
    : `type="dynamic" publishTime="${iso(wallOf(start + targetDuration))}" minimumUpdatePeriod="PT2S" timeShiftBufferDepth="PT1M" suggestedPresentationDelay="PT0.5S"`;
  return `<?xml version="1.0" encoding="UTF-8"?>
<MPD xmlns="urn:mpeg:dash:schema:mpd:2011" profiles="urn:mpeg:dash:profile:isoff-live:2011" ${life} availabilityStartTime="${iso(wallOf(start))}" minBufferTime="PT0.5S" maxSegmentDuration="PT2.022S">
  ${ended ? '' : '<ServiceDescription id="0"><Latency referenceId="1" target="1200" max="4000" min="300"></Latency><PlaybackRate max="1.1" min="0.95"></PlaybackRate></ServiceDescription>'}
  <Period id="${firstSegment}" start="PT0S">
    ${set(1, 'video', 90_000, 45_000, ['360', '480'], ended)}
    ${set(2, 'audio', 48_000, 24_576, ['audio'], ended)}
  </Period>
  ${ended ? '' : clock}
</MPD>
`;
}

const multivariant = ['#EXTM3U', '#EXT-X-VERSION:9', '#EXT-X-INDEPENDENT-SEGMENTS',
  '#EXT-X-MEDIA:TYPE=AUDIO,GROUP-ID="audio",NAME="Audio",DEFAULT=YES,AUTOSELECT=YES,CHANNELS="2",URI="streamaudio.m3u8"',
  ...['360', '480'].flatMap((name) => [
    `#EXT-X-STREAM-INF:BANDWIDTH=928000,AVERAGE-BANDWIDTH=928000,CODECS="avc1.4d401e,mp4a.40.2",RESOLUTION=640x360,FRAME-RATE=30.000,AUDIO="audio"`,
    `stream${name}.m3u8`,
  ]), ''].join('\n');

function answersOf(end) {
  const answer = (status, headers = {}, text = '') => ({ url: base, asked: end, at: end + 10, status, headers: new Headers(headers), bytes: Buffer.from(text) });
  const playlist = { 'Content-Type': 'application/vnd.apple.mpegurl', 'Content-Encoding': 'gzip' };
  const media = { 'Content-Type': 'video/mp4' };
  const refused = Object.fromEntries(['partWithoutSegment', 'segmentTooFar', 'partTooFar'].map((what) => [what, answer(400)]));
  const missing = Object.fromEntries(['unknownPart', 'segmentFarAhead'].map((what) => [what, answer(404)]));
  return {
    ...refused, ...missing, unlistedPart: answer(200, media), multivariant: answer(200, playlist), playlist: answer(200, playlist),
    init: answer(200, media), segment: answer(200, media), part: answer(200, media), directiveAfterEnd: answer(200, playlist, '#EXT-X-ENDLIST\n'),
    time: answer(200, { 'Cache-Control': 'no-store', 'Access-Control-Allow-Origin': '*' }, iso(end)),
  };
}

/** One segment, as who asks early gets it. */
function openSegment(parts) {
  const own = parts.filter(({ msn }) => msn === firstSegment + 3);
  // Parts of half a second, each in two pieces.
  const pieces = own.flatMap(({ at, bytes }) => [{ at, bytes: bytes.subarray(0, 50) }, { at: at + 1, bytes: bytes.subarray(50) }]);
  return {
    url: `${base}chunk-stream360-${own[0].msn}.m4s`, track: '360', number: own[0].msn, status: 200, asked: own[0].at - 600, at: own.at(-1).at,
    headers: new Headers({ 'Content-Type': 'video/mp4' }), pieces, bytes: Buffer.concat(own.map(({ bytes }) => bytes)),
  };
}

const same = (value) => value;

/**
 * Makes the recording. Hooks change what goes into it: `chunk` the fields of a
 * chunk, `playlist`, `multivariant` and `mpd` a text, `init` and `segment` bytes,
 * `recording` all of it at the end.
 */
export function sample(hooks = {}) {
  const all = { chunk: () => ({}), playlist: same, multivariant: same, mpd: same, init: same, segment: same, recording: () => {}, ...hooks };
  const parts = new Map(tracks.map((track) => [track.name, partsOf(track, all.chunk)]));
  const end = Math.min(...[...parts.values()].map((own) => own.at(-1).end));
  const recording = {
    hls: `${base}master.m3u8`, dash: `${base}manifest.mpd`,
    tracks: tracks.map((track) => record(track, parts, all)),
    multivariants: [0, 1].map((at) => ({ at, text: all.multivariant(multivariant, at) })),
    mpds: [false, false, false, true].map((ended, i) => ({ at: i, text: all.mpd(mpdOf(ended, end), i) })),
    openSegments: [openSegment(parts.get('360'))],
    answers: answersOf(wallOf(end)),
  };
  all.recording(recording);
  return recording;
}
