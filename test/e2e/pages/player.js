// A page with each player as it comes out of its box, but for a mend of hls.js, and an eye on the picture.

import { loadEveryPart } from '/everypart.js';

const video = document.querySelector('video');

/** What went wrong, what did that a player mends itself, and when and where the picture had to wait for media. */
window.trouble = { errors: [], minor: [], waits: [] };
/** Whether the player came to the end. */
window.cameToEnd = false;
video.addEventListener('ended', () => (window.cameToEnd = true));
video.addEventListener('error', () => trouble.errors.push(`video: ${video.error.message}`));
video.addEventListener('waiting', () => {
  const { currentTime } = video;
  // A decoder that is late on a busy machine makes a picture wait as well, with media at hand.
  if (ranges().some(([start, end]) => start <= currentTime + 0.1 && currentTime < end - 0.5)) return;
  trouble.waits.push({ at: Date.now(), where: `at ${currentTime} of ${JSON.stringify(ranges())}, ${trouble.minor.at(-1) ?? ''}` });
});

/** What is buffered: start and end of each stretch, in seconds. */
function ranges() {
  return Array.from({ length: video.buffered.length }, (_, i) => [video.buffered.start(i), video.buffered.end(i)]);
}

const engines = {
  async shaka(url, settings) {
    const player = new shaka.Player();
    player.configure(settings);
    // Shaka goes on by itself after a segment that is not found in a live stream. One
    // that becomes static between its question and the answer it would give up.
    player.configure('streaming.failureCallback', () => player.retryStreaming(0.5));
    await player.attach(video);
    player.addEventListener('error', ({ detail: { severity, code, data } }) => {
      const goesOn = code === shaka.util.Error.Code.BAD_HTTP_STATUS;
      if (severity === shaka.util.Error.Severity.CRITICAL && !goesOn) trouble.errors.push(`shaka ${code} ${JSON.stringify(data)}`);
    });
    await player.load(url);
  },
  async hls(url, settings) {
    const player = new Hls(settings);
    player.on(Hls.Events.ERROR, (_, { fatal, details, reason }) => {
      (fatal ? trouble.errors : trouble.minor).push(`hls.js ${details} ${reason ?? ''}`);
    });
    loadEveryPart(Hls, player);
    player.attachMedia(video);
    player.loadSource(url);
  },
  async dash(url, settings) {
    const player = dashjs.MediaPlayer().create();
    player.updateSettings(settings);
    player.on(dashjs.MediaPlayer.events.ERROR, ({ error }) => trouble.errors.push(`dash.js ${error.code} ${error.message}`));
    // It stops the picture itself, a few frames before the media element would.
    player.on(dashjs.MediaPlayer.events.PLAYBACK_ENDED, () => (window.cameToEnd = true));
    // It has to see the picture start: from then on it asks for the manifest again.
    const ready = new Promise((resolve) => player.on(dashjs.MediaPlayer.events.STREAM_INITIALIZED, resolve));
    player.initialize(video, url, false);
    await ready;
  },
};

/** Loads a manifest in a player, with settings of its own, and starts to play. */
window.play = async (engine, url, settings = {}) => {
  await engines[engine](url, settings);
  watchPicture(video);
  await video.play();
};
