// The clip of the second set-up: coded beforehand, each frame with its number.

import { access, mkdir, rename, writeFile } from 'node:fs/promises';
import path from 'node:path';

import { ffmpeg, makeTone, vp8 } from '../../e2e/lib/ffmpeg.mjs';
import { cache } from './settings.mjs';

const frameRate = 30;
const clipSeconds = 60;

/** The three lines of the stamp of internal/testpicture that says `number`. */
function stampOf(number) {
  const [high, low] = [0, number];
  return [high, low, high ^ low ^ 0x555555];
}

/** All stamps as raw grey pictures, one pixel a block. */
function stamps(count) {
  const picture = (number) => stampOf(number).flatMap((bits) => Array.from({ length: 24 }, (_, i) => ((bits >> (23 - i)) & 1) * 255));
  return Buffer.from(Array.from({ length: count }, (_, number) => picture(number)).flat());
}

/**
 * Makes the clip once: VP8 of 1280x720 at 2 Mb/s as IVF with Opus in Ogg beside
 * it, and both in one Matroska file. A column of the stamp's grid is 32 pixels, a
 * row 16. Gives the paths.
 */
export async function makeClip() {
  const at = (extension) => path.join(cache, `clip.${extension}`);
  const files = { ivf: at('ivf'), ogg: at('ogg'), mkv: at('mkv') };
  if (await access(files.mkv).then(() => true, () => false)) return files;
  await mkdir(cache, { recursive: true });
  await writeFile(at('grey'), stamps(clipSeconds * frameRate));
  await ffmpeg(
    '-f', 'lavfi', '-i', `testsrc2=size=1280x720:rate=${frameRate}`,
    '-f', 'rawvideo', '-pix_fmt', 'gray', '-s', '24x3', '-r', String(frameRate), '-i', at('grey'),
    '-filter_complex', '[1:v]scale=768:96:flags=neighbor,format=yuv420p,pad=832:128:32:16:black[stamp];[0:v][stamp]overlay=224:560,format=yuv420p',
    '-t', String(clipSeconds), ...vp8, '-b:v', '2M', '-maxrate', '2M', '-bufsize', '2M', '-g', String(frameRate), files.ivf,
  );
  await makeTone(files.ogg, clipSeconds);
  const unfinished = at('unfinished.mkv');
  await ffmpeg('-i', files.ivf, '-i', files.ogg, '-c', 'copy', unfinished);
  await rename(unfinished, files.mkv); // there only when all are
  return files;
}
