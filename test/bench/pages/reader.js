// Reads the stamp of internal/testpicture off every picture that the first video
// of a page shows. Needs nothing from its page: it is added to pages of others.
// `window.seen.frames` holds [when it was shown, in ms since 1970; the stamp; the
// playback rate; the height of the picture] of each new picture;
// `window.seen.firstAfter` is when the first came, in ms after the navigation.

(() => {
  const seen = { frames: [], firstAfter: null };
  window.seen = seen;

  /**
   * Reads the stamp, or gives null when there is none or it is damaged. It looks at
   * the luma as it was decoded, in the first plane: drawing a picture to a canvas
   * converts all of it, which took a third of a core.
   */
  async function stamp(frame) {
    if (!['I420', 'NV12'].includes(frame.format)) throw new Error(`the stamp cannot be read off pictures of format ${frame.format}`);
    const { x, y, width, height } = frame.visibleRect;
    const even = (n) => 2 * Math.floor(n / 2);
    const rect = { x: even(x + (8 * width) / 40), y: even(y + (36 * height) / 45), width: even((24 * width) / 40), height: even((6 * height) / 45) };
    const luma = new Uint8Array(frame.allocationSize({ rect }));
    const [{ offset, stride }] = await frame.copyTo(luma, { rect });
    const lines = [0, 1, 2].map((line) => {
      let bits = 0;
      for (let i = 0; i < 24; i++) {
        const across = Math.floor(((i + 0.5) * rect.width) / 24);
        const down = Math.floor(((line + 0.5) * rect.height) / 3);
        bits = (bits << 1) | (isWhite(luma, offset + down * stride + across, stride) ? 1 : 0);
      }
      return bits;
    });
    const [high, low, check] = lines;
    return (high ^ low ^ 0x555555) === check ? high * 2 ** 24 + low : null;
  }

  /** Whether the two by two pixels that end at a place are bright: between 16 and 235, the range of video. */
  function isWhite(luma, at, stride) {
    return luma[at] + luma[at - 1] + luma[at - stride] + luma[at - stride - 1] >= 4 * 126;
  }

  function watch(video) {
    const look = async () => {
      video.requestVideoFrameCallback(look);
      const [now, after, { playbackRate, videoHeight }] = [Date.now(), performance.now(), video];
      const frame = new VideoFrame(video);
      try {
        const read = await stamp(frame);
        if (read === null || read === seen.frames.at(-1)?.[1]) return;
        seen.firstAfter ??= after;
        seen.frames.push([now, read, playbackRate, videoHeight]);
      } finally {
        frame.close();
      }
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
