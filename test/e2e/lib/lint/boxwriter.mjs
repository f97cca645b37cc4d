// Writes the boxes of a chunk (ISO/IEC 14496-12), as it should be or not.

const ntpEpoch = 2_208_988_800;

const uint32 = (...values) => Buffer.concat(values.map((value) => Buffer.from([value >>> 24, value >>> 16, value >>> 8, value])));

function uint64(value) {
  const bytes = Buffer.alloc(8);
  bytes.writeBigUInt64BE(BigInt(value));
  return bytes;
}

function box(type, ...content) {
  const body = Buffer.concat(content);
  return Buffer.concat([uint32(body.length + 8), Buffer.from(type), body]);
}

const fullBox = (type, version, flags, ...content) => box(type, uint32(version * 2 ** 24 + flags), ...content);
const brands = (names) => Buffer.from(names.join(''));

/** The file type box of an init segment. */
export function fileType(names) {
  return box('ftyp', Buffer.from('cmfc'), uint32(0), brands(names));
}

function reference({ track, wall, prft, flags }) {
  const seconds = Math.floor(wall / 1000);
  const fraction = Math.round(((wall - seconds * 1000) / 1000) * 2 ** 32);
  return fullBox('prft', 1, flags, uint32(track, seconds + ntpEpoch, fraction), uint64(prft));
}

/** The bytes of one sample: what is in them is nobody's business here. */
const sampleSize = 10;

function run({ trunVersion, durations, sync, offset }, dataOffset) {
  const samples = durations.map((duration, i) => uint32(duration, sampleSize, i === 0 && sync ? 0x2000000 : 0x1010000, offset));
  return fullBox('trun', trunVersion, 0xf01, uint32(durations.length, dataOffset), ...samples);
}

function fragment(fields, dataOffset) {
  const { track, sequence, start, runs } = fields;
  return box('moof',
    fullBox('mfhd', 0, 0, uint32(sequence)),
    box('traf', fullBox('tfhd', 0, 0x20000, uint32(track)), fullBox('tfdt', 1, 0, uint64(start)), ...Array.from({ length: runs }, () => run(fields, dataOffset))));
}

/** A chunk: styp where it is the `first`, prft unless it is null, moof and mdat. */
export function chunk(fields) {
  const { first, brand, prft, durations, gapInData } = fields;
  const size = fragment(fields, 0).length;
  return Buffer.concat([
    ...(first ? [box('styp', Buffer.from(brand), uint32(0), brands([brand, 'msdh']))] : []),
    ...(prft === null ? [] : [reference(fields)]),
    fragment(fields, size + 8 + gapInData),
    box('mdat', Buffer.alloc(durations.length * sampleSize)),
  ]);
}
