// Lets programs of others play a stream, one after the other, and prints what came
// of it.
//
//   make players
//   make players SECONDS=60 PLAYERS='FFmpeg,mpv'
//
// Run it on a machine that does nothing else. docs/players.md has a run.

import { access } from 'node:fs/promises';
import path from 'node:path';
import { setTimeout as delay } from 'node:timers/promises';

import { preparedStream } from '../e2e/lib/api.mjs';
import { startBrowser } from '../e2e/lib/browser.mjs';
import { Cleanups } from '../e2e/lib/cleanups.mjs';
import { openInFirefox } from '../e2e/lib/firefox.mjs';
import { asked, askedBehind, judge, playInChromium, playInFFmpeg, run, watchInChromium } from '../e2e/lib/foreign.mjs';
import { until } from '../e2e/lib/processes.mjs';
import { live, publishFromCommand } from '../e2e/lib/publish.mjs';
import { startServer } from '../e2e/lib/server.mjs';
import { startSite } from '../e2e/lib/site.mjs';

const seconds = Number(process.env.SECONDS || 60);
const chosen = (process.env.PLAYERS || '').split(',').filter(Boolean);
const miniBrowser = '/usr/lib/x86_64-linux-gnu/webkit2gtk-4.1/MiniBrowser';

/** Finds a program in PATH. */
async function installed(program) {
  const files = program.startsWith('/') ? [program] : process.env.PATH.split(path.delimiter).map((folder) => path.join(folder, program));
  const found = await Promise.all(files.map((file) => access(file).then(() => true, () => false)));
  return found.includes(true);
}

const quiet = { DISPLAY: '', WAYLAND_DISPLAY: '' };
/** A program whose frames no script sees; it is known by what it asks for. */
const blind = (program, args, env = quiet) => async (_, url) => ({ program, ...(await run(program, args(url), seconds, undefined, env)) });
/** VLC refuses to run as root. */
const vlc = (url) => {
  const args = ['-I', 'dummy', '--vout', 'dummy', '--aout', 'dummy', '--quiet', url];
  return process.getuid() === 0 ? blind('setpriv', () => ['--reuid=nobody', '--regid=nogroup', '--clear-groups', 'cvlc', ...args], { ...quiet, HOME: '/tmp' }) : blind('cvlc', () => args);
};
const inChromium = (player) => (it, url) => playInChromium(it, player, url, seconds);

async function inFirefox(it, url) {
  const reports = await openInFirefox(it, `${it.site.origin}/foreign.html`, { player: 'hls', url });
  await until('Firefox opens the page', () => reports.length > 0, { timeout: 30_000 });
  await delay(seconds * 1000);
  return judge(reports.at(-1).began, reports.at(-1).frames, Date.now());
}

const programs = [
  ['our page', 'DASH', (it) => watchInChromium(it, `${it.server.origin}/watch/${it.id}?protocol=dash`, seconds)],
  ['our page', 'HLS', (it) => watchInChromium(it, `${it.server.origin}/watch/${it.id}?protocol=hls`, seconds)],
  ['Shaka Player', 'DASH', inChromium('shaka')],
  ['dash.js', 'DASH', inChromium('dash')],
  ['hls.js', 'HLS', inChromium('hls')],
  ['hls.js in Firefox', 'HLS', inFirefox],
  ['video.js', 'HLS', inChromium('videojs')],
  ['video.js', 'DASH', inChromium('videojs')],
  ['rx-player', 'DASH', inChromium('rx')],
  ['FFmpeg', 'DASH', (_, url) => playInFFmpeg(url, seconds)],
  ['FFmpeg', 'HLS', (_, url) => playInFFmpeg(url, seconds)],
  ...['DASH', 'HLS'].flatMap((protocol) => [
    ['mpv', protocol, blind('mpv', (url) => ['--no-config', '--vo=null', '--ao=null', '--really-quiet', url])],
    ['VLC', protocol, (scene, url) => vlc(url)(scene, url)],
    ['GStreamer', protocol, blind('gst-launch-1.0', (url) => ['-q', 'playbin3', `uri=${url}`, 'video-sink=fakesink sync=true', 'audio-sink=fakesink sync=true'])],
    ['Streamlink', protocol, blind('streamlink', (url) => ['--stdout', '--loglevel', 'none', `${protocol === 'DASH' ? 'dash' : 'hls'}://${url}`, 'best'])],
  ]),
  ['WebKitGTK', 'HLS', async (it, url) => {
    const told = encodeURIComponent(JSON.stringify({ player: 'hls', url }));
    return { program: miniBrowser, ...(await run('xvfb-run', ['-a', miniBrowser, `${it.site.origin}/foreign.html?told=${told}`], seconds)) };
  }],
];

const figure = (value, digits = 1) => (Number.isFinite(value) ? value.toFixed(digits) : '–');

/** Lets one program play, and ends what it started: the next one has the machine and the log to itself. */
async function alone(it, play, url) {
  const scene = Object.assign(new Cleanups(), { server: it.server, site: it.site, browser: it.browser, id: it.id });
  try {
    return await play(scene, url);
  } finally {
    await scene.end();
  }
}

/** Plays one program; gives its line of the table. */
async function line(it, [name, protocol, play]) {
  const url = protocol === 'DASH' ? it.dash : it.hls;
  const since = it.server.log.length;
  const seen = await alone(it, play, url);
  const { requests, refused, segments } = asked(it.server, since);
  const zero = Date.parse(/availabilityStartTime="([^"]+)"/.exec(await (await fetch(it.dash)).text())[1]);
  const how = seen.behind === undefined ? 'asked' : 'seen';
  const behind = how === 'seen' ? seen.behind : askedBehind(segments, zero);
  const what = seen.early ? `ended by itself: ${seen.said.trim().split('\n').at(-1)}` : Number.isNaN(seen.firstFrame) ? `shows nothing: ${seen.said}` : '';
  return `| ${name} | ${protocol} | ${figure(seen.firstFrame)} | ${seen.stops ?? '–'} | ${figure(behind)} ${how} | ${requests} | ${refused.length} | ${what} |`;
}

const it = new Cleanups();
try {
  it.server = await startServer(it, { SLUICE_LOG_LEVEL: 'debug' });
  it.site = await startSite(it);
  it.browser = await startBrowser(it);
  it.id = (await preparedStream(it.server, 'Players')).id;
  const { hls_url: hls, dash_url: dash } = await live(it, it.id, publishFromCommand(it, it.id, { duration: '2h' }));
  Object.assign(it, { hls, dash });
  await until('there is media', async () => (await fetch(dash)).ok);
  console.log('| program | protocol | first frame, s | stops | behind, s | requests | 404 and 410 | |\n|---|---|---|---|---|---|---|---|');
  for (const program of programs) {
    const [name, , play] = program;
    if (chosen.length > 0 && !chosen.includes(name)) continue;
    const needs = { mpv: 'mpv', VLC: 'cvlc', GStreamer: 'gst-launch-1.0', Streamlink: 'streamlink', 'hls.js in Firefox': 'firefox-esr', WebKitGTK: miniBrowser }[name];
    if (needs && !(await installed(needs))) console.log(`| ${name} | ${program[1]} | not installed | | | | | |`);
    else console.log(await line(it, [name, program[1], play]).catch((err) => `| ${name} | ${program[1]} | ${err.message.split('\n')[0]} | | | | | |`));
  }
} finally {
  await it.end();
}
