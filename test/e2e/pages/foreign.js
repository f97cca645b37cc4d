// Players of others as they come out of their boxes, on a page of another origin
// than the media. The address says which player loads what, and where reports go.

const video = document.querySelector('video');

const engines = {
  async shaka(url) {
    const player = new shaka.Player();
    await player.attach(video);
    await player.load(url);
  },
  hls(url) {
    const player = new Hls();
    player.attachMedia(video);
    player.loadSource(url);
  },
  dash(url) {
    dashjs.MediaPlayer().create().initialize(video, url, true);
  },
  videojs(url) {
    const type = url.endsWith('.mpd') ? 'application/dash+xml' : 'application/x-mpegURL';
    videojs(video, { autoplay: 'muted', sources: [{ src: url, type }] });
  },
  async rx(url) {
    const { default: RxPlayer } = await import('/npm/rx-player/dist/es2017/index');
    // It is loaded before the clock starts.
    window.watchStamps(() => document.querySelector('video'));
    new RxPlayer({ videoElement: video }).loadVideo({ url, transport: 'dash', autoPlay: true });
  },
};

const told = JSON.parse(new URL(location).searchParams.get('told'));
window.watchStamps(() => document.querySelector('video'));
if (told.report) {
  setInterval(() => fetch(told.report, { method: 'POST', mode: 'no-cors', body: JSON.stringify(window.watched) }), 1000);
}
await engines[told.player](told.url);
await document.querySelector('video').play().catch(() => undefined);
