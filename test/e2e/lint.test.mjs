// A rule that finds nothing in whatever it is shown proves nothing: each is shown
// a recording that breaks it, beside one that keeps them all.

import assert from 'node:assert/strict';
import test from 'node:test';

import { rules } from './lib/lint/rules.mjs';
import { sample } from './lib/lint/sample.mjs';

/** Changes the chunks of one track, at one place or all over. */
const chunk = (change, { name = '360', msn = 8, index } = {}) => ({
  chunk: (fields, at) => (at.name === name && at.msn === msn && (index === undefined || at.index === index) ? change(fields) : {}),
});
/** Changes a text of all playlists of 360; `when` says which. */
const playlist = (from, to, when = () => true) => ({
  playlist: (text, about) => (about.name === '360' && when(about) ? text.replaceAll(from, to) : text),
});
const live = ({ ended, skip }) => !ended && !skip;
const mpd = (from, to, when = () => true) => ({ mpd: (text, i) => (when(i) ? text.replaceAll(from, to) : text) });
const last = 3;
const isLast = (i) => i === last;
const isSecond = (i) => i === 1;
const answer = (what, change) => ({ recording: ({ answers }) => Object.assign(answers[what], change) });
const header = (what, name, value) => ({ recording: ({ answers }) => answers[what].headers.set(name, value) });
const track = (change, name = '360') => ({ recording: ({ tracks }) => change(tracks.find((of) => of.name === name)) });
const bytes = (from, to, only = '360') => ({ init: (content, name) => (name === only ? Buffer.from(content.toString('latin1').replace(from, to), 'latin1') : content) });
const open = (change) => ({ recording: ({ openSegments }) => change(openSegments[0]) });

/** For each rule what breaks it: how it is broken, and the hooks that do so. */
const broken = {
  'H1 hls-parser takes each playlist, strictly': [['no target duration', playlist('#EXT-X-TARGETDURATION:2\n', '')], ['two hints', playlist(/(#EXT-X-PRELOAD-HINT.*\n)/g, '$1$1')]],
  'H1 m3u8-parser reads the same segments': [['a duration it reads otherwise', track(({ versions }) => (versions[0].playlist.segments[0].seconds = 1.5))]],
  'H1 the head comes first, each tag once, with the version it needs': [['no version', playlist('#EXT-X-VERSION:9\n', '')], ['one too low for skips', playlist('VERSION:9', 'VERSION:8')], ['MAP twice', playlist(/(#EXT-X-MAP.*\n)/g, '$1$1')], ['a comment before it', playlist('#EXTM3U', '# hello\n#EXTM3U')]],
  'H2 the target duration stays, and segments keep it': [['it changes', playlist('TARGETDURATION:2', 'TARGETDURATION:3', ({ n }) => n > 20)], ['a long segment', playlist('#EXTINF:2.00000', '#EXTINF:2.60000')]],
  'H3 PART-TARGET is there, and stays': [['none', playlist('#EXT-X-PART-INF:PART-TARGET=0.500\n', '')], ['it drifts', playlist('PART-TARGET=0.500', 'PART-TARGET=0.510', ({ n }) => n > 20)]],
  'H4 no part is longer than PART-TARGET': [['by a millisecond', chunk(({ durations }) => ({ durations: [...durations.slice(1), 3090] }), { index: 1 })]],
  'H5 parts fill their target': [['a short one in the middle', chunk(({ durations }) => ({ durations: durations.slice(0, 12) }), { index: 1 })]],
  'H6 PART-HOLD-BACK is three of the longest part targets or more, in all renditions alike': [['three of its own', { playlist: (text) => text.replace('PART-HOLD-BACK=1.536', 'PART-HOLD-BACK=1.500') }], ['another in one', playlist('PART-HOLD-BACK=1.536', 'PART-HOLD-BACK=1.600')], ['none', playlist(',PART-HOLD-BACK=1.536', '')]],
  'H7 HOLD-BACK is three target durations or more': [['less', playlist(',HOLD-BACK=6.0', ',HOLD-BACK=5.0')]],
  'H8 blocking reload is offered': [['not', playlist('CAN-BLOCK-RELOAD=YES,', '')]],
  'H9 a reload is answered with the part it asks for': [['unchanged', track(({ versions }) => (versions[5].playlist = versions[4].playlist))]],
  'H10 directives that make no sense are refused': ['partWithoutSegment', 'segmentTooFar', 'partTooFar'].map((what) => [what, answer(what, { status: 200 })]),
  'H12 directives count no more after the end': [['held', answer('directiveAfterEnd', { at: Infinity })], ['refused', answer('directiveAfterEnd', { status: 400 })], ['without an end', answer('directiveAfterEnd', { bytes: Buffer.from('#EXTM3U') })]],
  'H13 parts come at their own pace': [['two at a time', track(({ versions }) => versions.forEach((version, i) => (version.at += i * 300)))], ['a long pause', track(({ versions }) => versions.slice(10).forEach((version) => (version.at += 7000)))]],
  'H14 parts are listed near the end, and no longer': [['of the newest segment none', playlist(/#EXT-X-PART:.*360-7-.*\n/g, '', ({ n }) => n === 13)], ['of all segments', track(({ versions }) => versions.forEach(({ playlist: { segments } }) => segments.forEach((segment) => (segment.parts = segments.at(-1).parts))))]],
  'H14 parts that are listed no more can still be had': [['gone', answer('unlistedPart', { status: 404 })]],
  'H15 the part to come is hinted at, once, by the name it will have': [['none', playlist(/#EXT-X-PRELOAD-HINT.*\n/g, '')], ['after the end', playlist('#EXT-X-ENDLIST', '#EXT-X-PRELOAD-HINT:TYPE=PART,URI="x"\n#EXT-X-ENDLIST', ({ ended }) => ended)], ['another name', playlist(/(HINT:TYPE=PART,URI=")part/g, '$1piece')], ['of another type', playlist('HINT:TYPE=PART', 'HINT:TYPE=MAP')]],
  'H16 a hint that comes to nothing, and a part that never was, are not found': [['a part that never was', answer('unknownPart', { status: 200 })], ['a hint', track(({ abandoned }) => (abandoned.status = 503))]],
  'H16 what is hinted at is waited for, and comes whole': [['at once', track(({ parts }) => parts.forEach((part) => (part.asked = part.at)))], ['without its length', track(({ parts }) => [...parts.values()][3].headers.delete('content-length'))]],
  'H17 parts on end are their segment, to the byte': [['a byte more', { segment: (content, { msn }) => (msn === 8 ? Buffer.concat([content, Buffer.alloc(1)]) : content) }]],
  'H17 parts last as long as the playlist says': [['a picture less', playlist('PART:DURATION=0.50000', 'PART:DURATION=0.46667')]],
  'H18 segments can be started with, and the playlists say so': [['a segment that cannot', chunk(() => ({ sync: false }), { index: 0 })], ['a multivariant playlist that does not say so', { multivariant: (text) => text.replace('#EXT-X-INDEPENDENT-SEGMENTS\n', '') }]],
  'H18 parts that can be started with are marked, and no others': [['not marked', playlist(',INDEPENDENT=YES', '')], ['all marked', playlist(/(PART:DURATION=0.50000,URI="[^"]+")\n/g, '$1,INDEPENDENT=YES\n')]],
  'H19 the other renditions are reported, once each, where they are': [['one is not', playlist(/#EXT-X-RENDITION-REPORT:URI="streamaudio.*\n/g, '')], ['a part that never was', playlist(/LAST-PART=\d+/g, 'LAST-PART=17')], ['long ago', playlist(/LAST-MSN=\d+/g, 'LAST-MSN=5')]],
  'H20 a delta update and the playlist before it are the whole': [['a tag less', playlist(/#EXT-X-MAP.*\n/g, '', ({ skip }) => skip)], ['nothing is skipped', track((of) => of.deltas.forEach((delta) => (delta.playlist.skipped = 0)))]],
  'H20 deltas skip what is older than CAN-SKIP-UNTIL, six target durations or more': [['ten seconds', playlist('CAN-SKIP-UNTIL=12.0', 'CAN-SKIP-UNTIL=10.0')], ['more than that is skipped', playlist('CAN-SKIP-UNTIL=12.0', 'CAN-SKIP-UNTIL=15.0')]],
  'H21 each segment has its place on the wall clock, that of its decode time': [['one has none', playlist(/#EXT-X-PROGRAM-DATE-TIME.*\n(?=(.*\n){0,5}.*360-7)/g, '')], ['ten milliseconds off', track((of) => of.versions.forEach((version) => version.playlist.segments.forEach((segment) => (segment.dateTime += 10))))], ['ahead of its coming', track(({ inOrder }) => inOrder.forEach((segment) => (segment.at -= 10_000)))]],
  'H22 nothing breaks, and EXT-X-DISCONTINUITY-SEQUENCE is always there': [['missing', playlist('#EXT-X-DISCONTINUITY-SEQUENCE:0\n', '')], ['a break', playlist('#EXT-X-PROGRAM', '#EXT-X-DISCONTINUITY\n#EXT-X-PROGRAM')]],
  'H23 numbers only grow, and each keeps its address': [['they go back', playlist('MEDIA-SEQUENCE:5', 'MEDIA-SEQUENCE:4', ({ n }) => n > 20)]],
  'H24 variants say what they take, and take no more': [['no codecs', { multivariant: (text) => text.replaceAll(/CODECS="[^"]*",/g, '') }], ['more on average', { multivariant: (text) => text.replaceAll('AVERAGE-BANDWIDTH=928000', 'AVERAGE-BANDWIDTH=9000') }], ['a higher peak', { multivariant: (text) => text.replaceAll(':BANDWIDTH=928000', ':BANDWIDTH=9000') }]],
  'H25 the window is six segments or more, and as long as it says': [['four', track(({ versions }) => versions.forEach((version) => (version.playlist.segments = version.playlist.segments.slice(-4))))], ['longer than it is', playlist('#EXTINF:2.00000', '#EXTINF:2.10000')]],
  'H26 playlists are compressed, media are not, and everything has its type': [['a plain playlist', header('playlist', 'Content-Encoding', 'identity')], ['a compressed segment', header('segment', 'Content-Encoding', 'gzip')], ['another type', header('multivariant', 'Content-Type', 'text/plain')], ['a redirect', answer('part', { status: 302 })]],
  'D1 mpd-parser reads the same segments': [['a number off', mpd('startNumber="5"', 'startNumber="6"', isLast)]],
  'D2 what names the timeline never changes': [['the start of the clock', mpd('availabilityStartTime="2026-01-01T00:00:10', 'availabilityStartTime="2026-01-01T00:00:11', isSecond)], ['the period', mpd('Period id="5"', 'Period id="6"', isSecond)], ['its start', mpd('start="PT0S"', 'start="PT2S"', isSecond)], ['a representation', mpd('Representation id="480"', 'Representation id="481"', isLast)], ['a set without an id', mpd('AdaptationSet id="1"', 'AdaptationSet')]],
  'D3 the window is fixed, and there is something in it': [['it grows', mpd('Depth="PT1M"', 'Depth="PT2M"', isSecond)], ['nothing is in it', mpd('Depth="PT1M"', 'Depth="PT0.5S"')], ['a segment longer than any', mpd('maxSegmentDuration="PT2.022S"', 'maxSegmentDuration="PT1.9S"')]],
  'D4 players are told a clock they all read': [['NTP', mpd('utc:http-iso', 'utc:ntp')]],
  'D4 the time is told to the millisecond, and kept by nobody': [['kept', header('time', 'Cache-Control', 'max-age=60')], ['to the second', answer('time', { bytes: Buffer.from('2026-01-01T00:00:30Z') })], ['another time', answer('time', { bytes: Buffer.from('2026-01-01T00:00:00.000Z') })]],
  'D5 the latency to aim at is said': [['not', mpd(/<Latency[^>]*><\/Latency>/g, '')], ['outside its bounds', mpd('target="1200"', 'target="200"')], ['no rate', mpd(/<PlaybackRate[^>]*><\/PlaybackRate>/g, '')]],
  'D6 every representation is there a segment less a chunk early': [['a whole segment', mpd('TimeOffset="1.5"', 'TimeOffset="2"')], ['not at all', mpd(' availabilityTimeOffset="1.5"', '')]],
  'D7 and is not whole by then': [['whole', mpd('Complete="false"', 'Complete="true"')], ['not said', mpd(' availabilityTimeComplete="false"', '')]],
  'D8 segments have one kind of address': [['two', mpd('</SegmentTemplate>', '<SegmentTimeline></SegmentTimeline></SegmentTemplate>')]],
  'D9 segments stay where their number puts them': [['a segment of another number', chunk(({ start }) => ({ start: start - 9000 }), { index: 0 })], ['sound that drifts', chunk(({ start }) => ({ start: start + 2048 }), { name: 'audio' })]],
  'D11 no segment is missing': [['one is', track((of) => (of.inOrder = of.inOrder.filter(({ msn }) => msn !== 8)))], ['a gap', playlist('#EXTINF', '#EXT-X-GAP\n#EXTINF')]],
  'D12 the producer’s time in the MPD is that in each chunk': [['another instant', mpd('wallClockTime="2026-01-01T00:00:10.000Z"', 'wallClockTime="2026-01-01T00:00:10.100Z"')], ['not in band', mpd('inband="true"', 'inband="false"')], ['one id twice', mpd('ProducerReferenceTime id="2"', 'ProducerReferenceTime id="1"')], ['no prft', chunk(() => ({ prft: null }))], ['of another chunk', chunk(({ prft }) => ({ prft: prft + 45_000 }))], ['a wall time that is off', chunk(({ wall }) => ({ wall: wall + 1 }))], ['of another kind', chunk(() => ({ flags: 24 }))]],
  'D13 there is a point to join at in each chunk': [['too far apart', mpd('dT="45000"', 'dT="90000"')], ['closer than chunks are', mpd('dT="45000"', 'dT="40000"')], ['no marker', mpd('marker="true"', 'marker="false"')]],
  'D14 a running MPD says how long it is valid': [['not', mpd(' minimumUpdatePeriod="PT2S"', '')]],
  'D15 the end is said, and is the end of the media': [['not said', mpd('type="static"', 'type="dynamic"', isLast)], ['another end', mpd('Duration="PT20S"', 'Duration="PT21S"', isLast)]],
  'D16 publishTime rises with each change, and with nothing else': [['changed in silence', mpd('width="640"', 'width="642"', isSecond)], ['published anew, and the same', mpd('publishTime="2026-01-01T00:00:12', 'publishTime="2026-01-01T00:00:1', isSecond)], ['an offset that moves', mpd('presentationTimeOffset="900000"', 'presentationTimeOffset="900001"', isSecond)]],
  'D17 a segment that is made now is sent as it is made': [['all at once', open((of) => (of.pieces = [{ at: 0, bytes: of.bytes }]))], ['with a length', open(({ headers }) => headers.set('Content-Length', '1'))], ['compressed', open(({ headers }) => headers.set('Content-Encoding', 'gzip'))], ['other bytes', open((of) => (of.bytes = of.bytes.subarray(1)))], ['nobody asked', { recording: (of) => (of.openSegments = []) }]],
  'D17 a request that is a little early waits, and one that is far too early is refused': [['it is not refused', answer('segmentFarAhead', { status: 200 })], ['it waits for ever', open((of) => (of.asked -= 10_000))]],
  'D18 lengths are lengths, and no number is too large for a player': [['a month', mpd('Depth="PT1M"', 'Depth="P1M"')], ['a number beyond 2^53', mpd('presentationTimeOffset="900000"', 'presentationTimeOffset="9007199254740993"')]],
  'C1 the brands are CMAF’s': [['of the init segment', bytes('cmfciso6', 'mp41iso6')], ['of a segment', chunk(() => ({ brand: 'msdh' }), { index: 0 })]],
  'C2 one track in a file, one run in a chunk': [['two runs', chunk(() => ({ runs: 2 }))], ['another track', chunk(() => ({ track: 2 }))]],
  'C3 a chunk is [styp] prft moof mdat, and its samples fill mdat': [['no styp', chunk(() => ({ first: false }))], ['no prft', chunk(() => ({ prft: null }))], ['samples elsewhere', chunk(() => ({ gapInData: 4 }))]],
  'C4 each chunk starts where the one before it ended': [['a hole', chunk(({ start }) => ({ start: start + 1 }), { index: 2 })], ['a picture missing', chunk(({ durations }) => ({ durations: durations.slice(1) }), { index: 2 })]],
  'C5 each segment starts with a sync sample': [['one does not', chunk(() => ({ sync: false }), { index: 0 })]],
  'C6 composition times need no edit list': [['trun of version 0', chunk(() => ({ trunVersion: 0 }))], ['pictures that are shown late', chunk(() => ({ offset: 6000 }))]],
  'C7 decode times count from the start of the clock': [['before it, unsigned', chunk(() => ({ start: 2 ** 64 - 2048 }), { name: 'audio', msn: 5, index: 0 })]],
  'C8 pictures of all sizes are cut at the same instants': [['one a picture later', chunk(({ start }) => ({ start: start + 3000 }))]],
  'C9 pictures say their shape and colours, and their parameter sets once': [['no pasp', bytes('pasp', 'free')], ['no colr', bytes('colr', 'free')], ['parameter sets in band', bytes('avc1', 'avc3')]],
  'C10 sequence numbers rise': [['one comes again', chunk(({ sequence }) => ({ sequence: sequence - 1 }), { index: 2 })]],
  'C11 the media profiles are cfhd and caac': [['another', bytes('cfhd', 'cfsd')], ['of sound', bytes('caac', 'cmf2', 'audio')]],
  'C12 sound is cut less than one frame after the pictures': [['a frame and a half', chunk(({ start }) => ({ start: start + 1536 }), { name: 'audio' })], ['before them', chunk(({ start }) => ({ start: start - 2048 }), { name: 'audio' })]],
};

test('a recording that keeps every rule passes', () => {
  const recording = sample();
  for (const rule of rules) assert.deepEqual(rule.findings(recording), [], rule.name);
});

for (const rule of rules) {
  test(`${rule.name}: and what does not is found`, () => {
    assert.ok(broken[rule.name], 'there is nothing that breaks it');
    for (const [how, hooks] of broken[rule.name]) assert.notDeepEqual(rule.findings(sample(hooks)), [], how);
  });
}
