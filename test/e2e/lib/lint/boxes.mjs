// Reads init segments and chunks by mp4box.

import { createFile } from 'mp4box';

/** The bit of sample flags that says: needs samples before it (ISO/IEC 14496-12, section 8.8.3.1). */
const nonSync = 0x10000;
/** Seconds from 1900 to 1970: NTP counts from the one, we from the other. */
const ntpEpoch = 2_208_988_800;

function parse(bytes) {
  const file = createFile();
  const buffer = new Uint8Array(bytes).buffer;
  buffer.fileStart = 0;
  file.appendBuffer(buffer);
  return file.boxes;
}

/** All boxes of a type in a tree. */
function find(boxes, type) {
  return boxes.flatMap((box) => [...(box.type === type ? [box] : []), ...find([...(box.boxes ?? []), ...(box.entries ?? []).filter((entry) => entry?.type)], type)]);
}

/** What an init segment says. */
export function readInit(bytes) {
  const boxes = parse(bytes);
  const one = (type) => find(boxes, type)[0];
  const entries = one('stsd')?.entries ?? [];
  return {
    order: boxes.map(({ type }) => type).join(' '),
    major: one('ftyp')?.major_brand,
    brands: one('ftyp')?.compatible_brands ?? [],
    tracks: find(boxes, 'trak').length,
    trackID: one('tkhd')?.track_id,
    timescale: one('mdhd')?.timescale,
    entries: entries.map(({ type }) => type),
    handlers: find(boxes, 'hdlr').map(({ handler }) => handler),
    editLists: find(boxes, 'elst').length,
    trex: one('trex'),
    pasp: find(entries, 'pasp').length,
    colr: find(entries, 'colr').length,
    parameterSets: one('avcC')?.nb_SPS_nalus ?? 0,
    codec: entries[0]?.getCodec?.(),
    size: [entries[0]?.width, entries[0]?.height],
  };
}

/**
 * A field of a sample: its own, or the default of its fragment, or that of the
 * track. mp4box gives fields that are not there a value, so their flags decide.
 */
function fieldOf(field, { own, fragment, track }) {
  if (own !== undefined) return own;
  return fragment.flags & field ? fragment.value : track;
}

/** The bits of tfhd's flags for the defaults that it has (section 8.8.7). */
const defaults = { duration: 0x8, size: 0x10, flags: 0x20 };
/** The bit of trun's flags for the flags of its first sample (section 8.8.8). */
const hasFirstFlags = 0x4;

function samplesOf(trun, tfhd, trex) {
  const field = (name, i) =>
    fieldOf(defaults[name], {
      own: trun[`sample_${name}`][i],
      fragment: { flags: tfhd.flags, value: tfhd[`default_sample_${name}`] },
      track: trex?.[`default_sample_${name}`] ?? 0,
    });
  return Array.from({ length: trun.sample_count }, (_, i) => {
    const flags = i === 0 && trun.flags & hasFirstFlags ? trun.first_sample_flags : field('flags', i);
    return { duration: field('duration', i), size: field('size', i), offset: trun.sample_composition_time_offset[i] ?? 0, sync: (flags & nonSync) === 0 };
  });
}

function readFragment(moof, mdat, trex) {
  const [traf] = moof.trafs;
  const [trun] = traf.truns;
  const samples = samplesOf(trun, traf.tfhd, trex);
  const sum = (of) => samples.reduce((total, sample) => total + sample[of], 0);
  return {
    sequence: moof.mfhd.sequence_number,
    trafs: moof.trafs.length,
    truns: traf.truns.length,
    trunVersion: trun.version,
    track: traf.tfhd.track_id,
    start: traf.tfdt?.baseMediaDecodeTime,
    duration: sum('duration'),
    samples,
    // Where the samples lie in the file, and where mdat's payload does.
    addressed: [moof.start + trun.data_offset, moof.start + trun.data_offset + sum('size')],
    payload: mdat && [mdat.start + mdat.hdr_size, mdat.start + mdat.size],
  };
}

function readReference({ ref_track_id: track, ntp_timestamp: ntp, media_time: time, flags }) {
  const [high, low] = typeof ntp === 'number' || typeof ntp === 'bigint' ? [Number(BigInt(ntp) >> 32n), Number(BigInt(ntp) & 0xffffffffn)] : ntp;
  return { track, time: Number(time), flags, wall: (high - ntpEpoch) * 1000 + (low / 2 ** 32) * 1000 };
}

/**
 * What a file of chunks says: the types of its boxes in `order`, and its
 * `fragments`, each with its reference time in `prft` where it has one.
 */
export function readChunks(bytes, trex) {
  const boxes = parse(bytes);
  const fragments = [];
  let prft = null;
  for (const [i, box] of boxes.entries()) {
    if (box.type === 'prft') prft = readReference(box);
    if (box.type !== 'moof') continue;
    const next = boxes[i + 1];
    fragments.push({ ...readFragment(box, next?.type === 'mdat' ? next : null, trex), prft });
    prft = null;
  }
  return { order: boxes.map(({ type }) => type).join(' '), brands: boxes.find(({ type }) => type === 'styp')?.compatible_brands ?? [], fragments };
}
