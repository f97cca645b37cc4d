// Reads the stamp of internal/testpicture off the video of a page, five times a
// second, in any browser. Needs nothing from its page.

(() => {
  const canvas = document.createElement('canvas');
  [canvas.width, canvas.height] = [24, 3];
  const context = canvas.getContext('2d', { willReadFrequently: true });

  /** The time that a frame says it was taken at, in ms since 1970; null when it says none. */
  function read(video) {
    const { videoWidth: width, videoHeight: height } = video;
    if (!width) return null;
    context.drawImage(video, (8 * width) / 40, (36 * height) / 45, (24 * width) / 40, (6 * height) / 45, 0, 0, 24, 3);
    const { data } = context.getImageData(0, 0, 24, 3);
    const [high, low, check] = [0, 1, 2].map((line) => {
      let bits = 0;
      for (let i = 0; i < 24; i++) bits = (bits << 1) | (data[4 * (24 * line + i)] > 128 ? 1 : 0);
      return bits;
    });
    return (high ^ low ^ 0x555555) === check && low ? high * 2 ** 24 + low : null;
  }

  /** From a call on, `window.watched.frames` holds [when it was seen, when it was taken] of frames, in ms since 1970. */
  window.watchStamps = (find) => {
    const watched = { began: Date.now(), frames: [] };
    window.watched = watched;
    setInterval(() => {
      const video = find();
      const taken = video && read(video);
      if (taken && taken !== watched.frames.at(-1)?.[1]) watched.frames.push([Date.now(), taken]);
    }, 200);
  };
})();
