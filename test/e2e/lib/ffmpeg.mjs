// FFmpeg, for what is made before a test.

import { spawn } from 'node:child_process';
import { once } from 'node:events';

import { stopAtExit } from './processes.mjs';

/** Runs FFmpeg to its end. */
export async function ffmpeg(...args) {
  const child = spawn('ffmpeg', ['-hide_banner', '-nostdin', '-loglevel', 'error', '-y', ...args], { stdio: ['ignore', 'inherit', 'inherit'] });
  stopAtExit(child);
  const [code] = await once(child, 'exit');
  if (code !== 0) throw new Error(`ffmpeg ${args.join(' ')} ended with ${code}`);
}

/** What encodes VP8 as a browser would, fast. */
export const vp8 = ['-c:v', 'libvpx', '-deadline', 'realtime', '-cpu-used', '8', '-lag-in-frames', '0'];

/** Makes a tone of some seconds: Opus in Ogg, in packets of 20 ms. */
export function makeTone(file, seconds) {
  return ffmpeg(
    '-f', 'lavfi', '-i', 'sine=frequency=440:sample_rate=48000', '-t', String(seconds),
    '-c:a', 'libopus', '-b:a', '64k', '-ac', '2', '-frame_duration', '20', '-page_duration', '1', '-f', 'ogg', file,
  );
}
