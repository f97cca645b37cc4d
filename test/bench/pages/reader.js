// Reads the stamp of internal/testpicture off every picture that the first video
// of a page shows. Needs nothing from its page: it is added to pages of others.
// `window.seen.frames` holds [when it was shown, in ms since 1970; the stamp; the
// playback rate; the height of the picture] of each new picture;
// `window.seen.firstAfter` is when the first came, in ms after the navigation.

(() => {
  const block = 4; // pixels of the copy a block is across
  const canvas = new OffscreenCanvas(24 * block, 3 * block);
  const context = canvas.getContext('2d', { willReadFrequently: true });
  const seen = { frames: [], firstAfter: null };
  window.seen = seen;

  /** Reads the stamp, or null when there is none or it is damaged. */
  function stamp(video) {
    const { videoWidth: width, videoHeight: height } = video;
    context.drawImage(video, (8 * width) / 40, (36 * height) / 45, (24 * width) / 40, (6 * height) / 45, 0, 0, canvas.width, canvas.height);
    const { data } = context.getImageData(0, 0, canvas.width, canvas.height);
    const lines = [0, 1, 2].map((line) => {
      let bits = 0;
      for (let i = 0; i < 24; i++) bits = (bits << 1) | (isWhite(data, i * block + 1, line * block + 1) ? 1 : 0);
      return bits;
    });
    const [high, low, check] = lines;
    return (high ^ low ^ 0x555555) === check ? high * 2 ** 24 + low : null;
  }

  /** Whether the two by two pixels in the middle of a block are bright, by their green. */
  function isWhite(data, x, y) {
    const at = (dx, dy) => data[4 * ((y + dy) * canvas.width + x + dx) + 1];
    return at(0, 0) + at(1, 0) + at(0, 1) + at(1, 1) >= 4 * 128;
  }

  function watch(video) {
    const look = () => {
      video.requestVideoFrameCallback(look);
      const now = Date.now();
      const read = stamp(video);
      if (read === null || read === seen.frames.at(-1)?.[1]) return;
      seen.firstAfter ??= performance.now();
      seen.frames.push([now, read, video.playbackRate, video.videoHeight]);
    };
    video.requestVideoFrameCallback(look);
  }

  const find = () => {
    const video = document.querySelector('video');
    if (video) watch(video);
    else requestAnimationFrame(find);
  };
  find();
})();
