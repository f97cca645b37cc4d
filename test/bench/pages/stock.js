// Players as they come out of their boxes, but for what turns low latency on.

const video = document.querySelector('video');

const engines = {
  hls(url) {
    const player = new Hls({ lowLatencyMode: true, maxLiveSyncPlaybackRate: 1.5 });
    player.attachMedia(video);
    player.loadSource(url);
  },
  dash(url) {
    dashjs.MediaPlayer().create().initialize(video, url, true);
  },
  async shaka(url) {
    const player = new shaka.Player();
    player.configure('streaming.lowLatencyMode', true);
    await player.attach(video);
    await player.load(url);
  },
};

/** Loads a manifest in a player and plays. */
window.play = async (engine, url) => {
  await engines[engine](url);
  await video.play();
};
