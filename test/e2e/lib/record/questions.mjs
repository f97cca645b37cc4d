// Questions whose answers the rules judge by themselves: what is too far ahead,
// what is gone, what the headers say.

import { partsOf } from '../lint/playlist.mjs';
import { ask } from './answer.mjs';

/** How many segments back a part is asked for that no playlist lists any more. */
const back = 6;

/** Asks what a running stream has to answer or to refuse. */
export async function askWhileLive({ hls, tracks }) {
  const [{ url, name, newest }] = tracks;
  const file = (of) => new URL(of, hls).href;
  const { msn } = newest.open;
  const questions = {
    partWithoutSegment: `${url}?_HLS_part=1`,
    segmentTooFar: `${url}?_HLS_msn=${msn + 3}`,
    partTooFar: `${url}?_HLS_msn=${msn + 1}&_HLS_part=${Math.ceil(3 / newest.partTarget) + 1 + newest.open.parts.length}`,
    unknownPart: file(`part-stream${name}-${msn}-77.m4s`),
    segmentFarAhead: file(`chunk-stream${name}-${msn + 5}.m4s`),
    unlistedPart: file(`part-stream${name}-${msn - back}-1.m4s`),
    multivariant: hls,
    playlist: url,
    init: file(newest.map),
    segment: file(newest.segments.at(-1).uri),
    part: file(partsOf(newest).at(-1).uri),
    time: file('/time'),
  };
  const answers = await Promise.all(Object.entries(questions).map(async ([what, address]) => [what, await ask(address, { headers: { 'Accept-Encoding': 'gzip' } })]));
  return Object.fromEntries(answers);
}

/** Asks what a stream that has ended has to answer. */
export async function askAfterEnd({ tracks }) {
  const [{ url }] = tracks;
  return { directiveAfterEnd: await ask(`${url}?_HLS_msn=99999999&_HLS_part=3`) };
}
