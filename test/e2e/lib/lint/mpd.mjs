// Reads MPDs, apart from the product's own writer and from any player's reader.

import { DOMParser } from '@xmldom/xmldom';

/** Seconds of an xs:duration; NaN for one with years, months or days, whose lengths differ. */
export function seconds(text) {
  const found = /^PT(?:(\d+)H)?(?:(\d+)M)?(?:([\d.]+)S)?$/.exec(text ?? '');
  if (!found) return NaN;
  const [hours, minutes, rest] = found.slice(1).map((part) => Number(part ?? 0));
  return hours * 3600 + minutes * 60 + rest;
}

/** The child elements of one name. */
function all(element, name) {
  return Array.from(element.childNodes).filter(({ nodeName }) => nodeName === name);
}

/** All attributes of an element, by name. */
function attributes(element) {
  return Object.fromEntries(Array.from(element.attributes, ({ name, value }) => [name, value]));
}

function readSet(element) {
  const template = all(element, 'SegmentTemplate');
  return {
    ...attributes(element),
    templates: template.map(attributes),
    timelines: template.flatMap((of) => all(of, 'SegmentTimeline')).length,
    references: all(element, 'ProducerReferenceTime').map((of) => ({ ...attributes(of), utcTimings: all(of, 'UTCTiming').map(attributes) })),
    resyncs: all(element, 'Resync').map(attributes),
    representations: all(element, 'Representation').map(attributes),
  };
}

/** Reads an MPD: its attributes as they are written, and its elements by name. */
export function readMPD(text) {
  const root = new DOMParser({ onError: (level, message) => { throw new Error(`${level}: ${message}`); } }).parseFromString(text, 'text/xml').documentElement;
  return {
    text,
    ...attributes(root),
    utcTimings: all(root, 'UTCTiming').map(attributes),
    services: all(root, 'ServiceDescription').map((of) => ({ latencies: all(of, 'Latency').map(attributes), rates: all(of, 'PlaybackRate').map(attributes) })),
    periods: all(root, 'Period').map((of) => ({ ...attributes(of), sets: all(of, 'AdaptationSet').map(readSet) })),
  };
}

/** Everything in an MPD that is an xs:duration. */
export function durationsOf(text) {
  return [...text.matchAll(/\b([a-zA-Z]*(?:Period|Depth|Delay|Duration|Time|start))="(P[^"]*)"/g)].map(([, name, value]) => ({ name, value }));
}

/** Every whole number of an MPD's attributes. */
export function numbersOf(text) {
  return [...text.matchAll(/\b(\w+)="(\d+)"/g)].map(([, name, value]) => ({ name, value: Number(value) }));
}
