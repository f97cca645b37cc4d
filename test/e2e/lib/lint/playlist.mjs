// Reads playlists, apart from the product's own writer and from any player's reader.

/** The attributes of a tag, without quotes. */
export function attributesOf(value) {
  return Object.fromEntries([...value.matchAll(/([A-Z0-9-]+)=("[^"]*"|[^,]*)/g)].map(([, name, text]) => [name, text.replaceAll('"', '')]));
}

/** What stands before the next segment's address. */
const nothingYet = () => ({ parts: [], dateTime: null, seconds: null, gap: false, discontinuity: false });

const readers = {
  'EXT-X-VERSION': (playlist, value) => (playlist.version = Number(value)),
  'EXT-X-TARGETDURATION': (playlist, value) => (playlist.targetDuration = Number(value)),
  'EXT-X-MEDIA-SEQUENCE': (playlist, value) => (playlist.mediaSequence = Number(value)),
  'EXT-X-SERVER-CONTROL': (playlist, value) => (playlist.control = attributesOf(value)),
  'EXT-X-PART-INF': (playlist, value) => (playlist.partTarget = Number(attributesOf(value)['PART-TARGET'])),
  'EXT-X-MAP': (playlist, value) => (playlist.map = attributesOf(value).URI),
  'EXT-X-SKIP': (playlist, value) => (playlist.skipped += Number(attributesOf(value)['SKIPPED-SEGMENTS'])),
  'EXT-X-PRELOAD-HINT': (playlist, value) => playlist.hints.push(attributesOf(value)),
  'EXT-X-RENDITION-REPORT': (playlist, value) => playlist.reports.push(attributesOf(value)),
  'EXT-X-ENDLIST': (playlist) => (playlist.ended = true),
  'EXT-X-PROGRAM-DATE-TIME': (playlist, value) => (playlist.open.dateTime = Date.parse(value)),
  'EXT-X-GAP': (playlist) => (playlist.open.gap = true),
  'EXT-X-DISCONTINUITY': (playlist) => (playlist.open.discontinuity = true),
  EXTINF: (playlist, value) => (playlist.open.seconds = parseFloat(value)),
  'EXT-X-PART': (playlist, value) => {
    const { URI: uri, DURATION: duration, INDEPENDENT: independent, GAP: gap } = attributesOf(value);
    playlist.open.parts.push({ uri, seconds: Number(duration), independent: independent === 'YES', gap: gap === 'YES' });
  },
};

/**
 * Reads a media playlist. `segments` are those it lists, each with its media
 * sequence number `msn`, its `parts` and its `dateTime` in ms since 1970; `open`
 * is what follows the last of them; `counts` is how often each tag stands there.
 */
export function readPlaylist(text) {
  const lines = text.split('\n').filter((line) => line !== '');
  const playlist = { text, lines, counts: new Map(), mediaSequence: 0, skipped: 0, segments: [], open: nothingYet(), hints: [], reports: [], ended: false };
  for (const line of lines) {
    const tag = /^#(EXT[^:]*):?(.*)$/.exec(line);
    if (tag) {
      const [, name, value] = tag;
      playlist.counts.set(name, (playlist.counts.get(name) ?? 0) + 1);
      readers[name]?.(playlist, value);
    } else if (!line.startsWith('#')) {
      playlist.segments.push({ ...playlist.open, uri: line, msn: playlist.mediaSequence + playlist.skipped + playlist.segments.length });
      playlist.open = nothingYet();
    }
  }
  playlist.open.msn = playlist.mediaSequence + playlist.skipped + playlist.segments.length;
  return playlist;
}

/** Where the next part will be. */
export function nextPart({ open }) {
  return { msn: open.msn, part: open.parts.length };
}

/** The parts that a playlist lists, oldest first, each with its place: `msn`, `index`, and whether it is the last of a segment. */
export function partsOf({ segments, open }) {
  return [...segments, open].flatMap(({ msn, parts }) =>
    parts.map((part, index) => ({ ...part, msn, index, last: index + 1 === parts.length && msn !== open.msn })));
}

/** The variants and the audio renditions of a multivariant playlist: their attributes, and the address of their media playlist. */
export function readMultivariant(text) {
  const lines = text.split('\n');
  const variants = [];
  const audio = [];
  for (const [i, line] of lines.entries()) {
    if (line.startsWith('#EXT-X-STREAM-INF:')) variants.push({ ...attributesOf(line.slice(18)), uri: lines[i + 1] });
    if (line.startsWith('#EXT-X-MEDIA:TYPE=AUDIO')) audio.push(attributesOf(line.slice(13)));
  }
  return { lines, variants, audio };
}

/** A full playlist put together from an older full one and a delta update (section 6.2.5.1 of rfc8216bis): its lines. */
export function merge(old, delta) {
  const first = delta.mediaSequence;
  const known = blocks(old).filter(({ msn }) => msn >= first && msn < first + delta.skipped).flatMap(({ lines }) => lines);
  return delta.lines.flatMap((line) => (line.startsWith('#EXT-X-SKIP:') ? known : [line]));
}

/** The lines of each segment of a playlist, less what does not stay with it: its parts. */
function blocks({ lines, segments }) {
  const start = lines.findIndex((line) => /^#(EXTINF|EXT-X-(PROGRAM-DATE-TIME|PART:|GAP))/.test(line));
  const found = [];
  let block = [];
  for (const line of lines.slice(start)) {
    if (!line.startsWith('#EXT-X-PART:')) block.push(line);
    if (line.startsWith('#')) continue;
    found.push({ msn: segments[found.length].msn, lines: block });
    block = [];
  }
  return found;
}
