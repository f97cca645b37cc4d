// Rules for how an origin answers: statuses, headers, and what is sent when.

import { factsOf } from './facts.mjs';
import { rule } from './rule.mjs';

const playlistType = 'application/vnd.apple.mpegurl';
const mediaTypes = { video: 'video/mp4', audio: 'audio/mp4' };

/** Says so when an answer has another status. */
function* status(answer, wanted) {
  if (answer.status !== wanted) yield `${answer.url} was answered ${answer.status}, not ${wanted}`;
}

function* header(answer, name, wanted) {
  const value = answer.headers.get(name);
  if (value !== wanted) yield `${answer.url}: ${name} is ${value}, not ${wanted}`;
}

/** A segment that was asked for while it is made comes in fifteen pieces. One that is read late, on a busy machine, has fewer: this many in the middle case, and always more than one. */
const usualPieces = 8;
/** How long a request is held at most, in ms: three target durations. */
const longestHold = 6000;
/** How far the server's clock may be from ours, on one machine, in ms. */
const clockError = 500;

export const answerRules = [
  rule('H10 directives that make no sense are refused', function* ({ answers }) {
    for (const what of ['partWithoutSegment', 'segmentTooFar', 'partTooFar']) yield* status(answers[what], 400);
  }),

  rule('H12 directives count no more after the end', function* ({ answers: { directiveAfterEnd: answer } }) {
    yield* status(answer, 200);
    if (!answer.bytes.toString().includes('#EXT-X-ENDLIST')) yield `${answer.url} was answered by a playlist that goes on`;
    if (answer.at - answer.asked > 1000) yield `${answer.url} was held for ${answer.at - answer.asked} ms`;
  }),

  rule('H14 parts that are listed no more can still be had', function* ({ answers }) {
    yield* status(answers.unlistedPart, 200);
  }),

  rule('H16 a hint that comes to nothing, and a part that never was, are not found', function* ({ answers, tracks }) {
    yield* status(answers.unknownPart, 404);
    for (const { abandoned } of tracks) yield* status(abandoned, 404);
  }),

  rule('H16 what is hinted at is waited for, and comes whole', function* ({ tracks }) {
    for (const track of tracks) {
      const { parts } = factsOf(track);
      const waited = parts.filter(({ uri }) => track.parts.get(uri).at - track.parts.get(uri).asked > 20);
      // A hint that is asked for a part's length before the part is there has to wait.
      if (waited.length < parts.length / 2) yield `${track.name}: of ${parts.length} parts only ${waited.length} were waited for`;
      for (const { uri, bytes } of parts) {
        const length = track.parts.get(uri).headers.get('content-length');
        if (Number(length) !== bytes.length) yield `${uri}: a length of ${length} for ${bytes.length} bytes`;
      }
    }
  }),

  rule('H26 playlists are compressed, media are not, and everything has its type', function* ({ answers, tracks }) {
    for (const what of ['multivariant', 'playlist']) {
      yield* header(answers[what], 'content-type', playlistType);
      yield* header(answers[what], 'content-encoding', 'gzip');
    }
    for (const what of ['init', 'segment', 'part']) {
      yield* header(answers[what], 'content-type', mediaTypes[tracks[0].kind]);
      yield* header(answers[what], 'content-encoding', null);
    }
    for (const what of ['multivariant', 'playlist', 'init', 'segment', 'part']) yield* status(answers[what], 200); // no redirect
  }),

  rule('D4 the time is told to the millisecond, and kept by nobody', function* ({ answers: { time } }) {
    yield* status(time, 200);
    yield* header(time, 'cache-control', 'no-store');
    yield* header(time, 'access-control-allow-origin', '*');
    const text = time.bytes.toString();
    if (!/^\d{4}-\d\d-\d\dT\d\d:\d\d:\d\d\.\d{3}Z$/.test(text)) yield `the time is ${text}`;
    if (Math.abs(Date.parse(text) - time.at) > clockError) yield `${text} is told at ${new Date(time.at).toISOString()}`;
  }),

  rule('D17 a segment that is made now is sent as it is made', function* ({ openSegments, tracks }) {
    const made = openSegments.filter(({ track, number }) => number < tracks.find(({ name }) => name === track).inOrder.at(-1).msn);
    if (made.length === 0) yield 'none was asked for';
    const counts = made.map(({ pieces }) => pieces.length).sort((a, b) => a - b);
    const median = counts[Math.floor(counts.length / 2)];
    if (median < usualPieces) yield `they came in ${median} pieces`;
    for (const { url, track, status: code, headers, pieces, bytes } of made) {
      const { kind, segments } = tracks.find(({ name }) => name === track);
      if (code !== 200) yield `${url} was answered ${code}`;
      if (headers.get('content-type') !== mediaTypes[kind]) yield `${url}: type ${headers.get('content-type')}`;
      if (headers.get('content-length') !== null || headers.get('content-encoding') !== null) yield `${url} is not chunked, or compressed`;
      if (pieces.length < 2) yield `${url} came at once`;
      const whole = segments.get(url.slice(url.lastIndexOf('/') + 1));
      if (whole && !whole.bytes.equals(bytes)) yield `${url} is not what it is once it is whole`;
    }
  }),

  rule('D17 a request that is a little early waits, and one that is far too early is refused', function* ({ answers, openSegments }) {
    yield* status(answers.segmentFarAhead, 404);
    for (const { url, asked, pieces } of openSegments) {
      if (pieces.length > 0 && pieces[0].at - asked > longestHold) yield `${url} was waited for ${pieces[0].at - asked} ms`;
    }
  }),
];
