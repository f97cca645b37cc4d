// A page with each player as it comes out of its box, and an eye on the picture.

const video = document.querySelector('video');
const errors = [];

const engines = {
  async shaka(url) {
    const player = new shaka.Player();
    await player.attach(video);
    player.addEventListener('error', ({ detail }) => errors.push(`shaka ${detail.code} ${JSON.stringify(detail.data)}`));
    await player.load(url);
  },
  async hls(url) {
    const player = new Hls();
    player.on(Hls.Events.ERROR, (_, { fatal, details, reason }) => {
      if (fatal) errors.push(`hls.js ${details} ${reason ?? ''}`);
    });
    player.attachMedia(video);
    player.loadSource(url);
  },
};

/** Loads a manifest in a player and starts to play. */
window.play = async (engine, url) => {
  await engines[engine](url);
  watchPicture(video);
  await video.play();
};
