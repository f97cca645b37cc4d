// How far sound and picture are apart, measured in the media that is served:
// a source that flashes and beeps at the same instants, and where both are
// found again.

import { run } from './media.mjs';

/** The arguments by which FFmpeg makes a flashing and beeping source: 100 ms of both, every second. */
export function flashAndBeep({ seconds, file, size = '1280x720' }) {
  const onset = 'lt(mod(t\\,1)\\,0.1)';
  return [
    '-v', 'error', '-y',
    '-f', 'lavfi', '-i', `testsrc2=s=${size}:r=30:d=${seconds},drawbox=x=0:y=0:w=iw:h=ih/3:color=black:t=fill,drawbox=x=0:y=0:w=iw:h=ih/3:color=white:t=fill:enable='${onset}'`,
    '-f', 'lavfi', '-i', `aevalsrc='if(${onset}\\,0.5*sin(2*PI*1000*t)\\,0)':s=48000:c=stereo:d=${seconds}`,
    '-c:v', 'libx264', '-preset', 'ultrafast', '-tune', 'zerolatency', '-g', '60', '-crf', '28', '-c:a', 'aac', '-f', 'matroska', file,
  ];
}

/** The times, in seconds, at which the upper third of the picture turns white. */
async function flashes({ file }) {
  const { stdout } = await run('ffmpeg', [
    '-v', 'error', '-copyts', '-i', 'pipe:0',
    '-vf', 'crop=iw:ih/4:0:0,signalstats,metadata=print:key=lavfi.signalstats.YAVG:file=-',
    '-f', 'null', '-',
  ], file);
  const times = [];
  let white = true;
  for (const [, time, luma] of stdout.matchAll(/pts_time:([\d.]+)\s+lavfi\.signalstats\.YAVG=([\d.]+)/g)) {
    const now = Number(luma) > 128;
    if (now && !white) times.push(Number(time));
    white = now;
  }
  return times;
}

/** The times, in seconds, at which silence ends. */
async function beeps({ file }) {
  const { stderr } = await run('ffmpeg', ['-v', 'info', '-copyts', '-i', 'pipe:0', '-af', 'silencedetect=noise=-30dB:d=0.3', '-f', 'null', '-'], file);
  return [...stderr.matchAll(/silence_end: ([\d.]+)/g)].map(([, time]) => Number(time));
}

/**
 * How much later the beeps come than the flashes, in milliseconds: the median
 * over all that were found. Negative: the sound is early.
 */
export async function soundBehindPicture(video, audio) {
  const heard = await beeps(audio);
  const offsets = (await flashes(video))
    .map((flash) => heard.map((beep) => beep - flash).reduce((a, b) => (Math.abs(a) < Math.abs(b) ? a : b), Infinity))
    .filter((offset) => Math.abs(offset) < 0.5)
    .sort((a, b) => a - b);
  // One flash a second: with far fewer the picture stood still, and a chance pair says nothing.
  if (offsets.length < video.segments.length) throw new Error(`only ${offsets.length} flashes with a beep in ${video.segments.length} segments; ${heard.length} beeps`);
  return { milliseconds: offsets[offsets.length >> 1] * 1000, pairs: offsets.length };
}
