// Watches a media element: what it showed, and whether the picture moved.
// Needs nothing from its page, so that tests add it to pages of others too.

/** How many values of two pictures differ by more than a codec makes a still one differ. */
function differing(a, b) {
  return a.reduce((count, value, i) => count + (Math.abs(value - b[i]) > 32 ? 1 : 0), 0);
}

/**
 * Starts to watch an element. From then on `window.seen` counts the frames that
 * were shown and those that differ from the one before, and keeps the sizes of
 * the picture and the media times of the first and the last frame.
 */
window.watchPicture = (video) => {
  const canvas = new OffscreenCanvas(128, 72);
  const context = canvas.getContext('2d', { willReadFrequently: true });
  const seen = { frames: 0, changes: 0, sizes: [], first: null, last: null };
  window.seen = seen;
  let before = null;
  const look = (now, { mediaTime, width, height }) => {
    context.drawImage(video, 0, 0, canvas.width, canvas.height);
    const { data } = context.getImageData(0, 0, canvas.width, canvas.height);
    const moved = before !== null && differing(before, data) >= 8;
    before = data;
    seen.frames += 1;
    seen.changes += moved ? 1 : 0;
    seen.first ??= mediaTime;
    seen.last = mediaTime;
    const size = `${width}x${height}`;
    if (!seen.sizes.includes(size)) seen.sizes.push(size);
    video.requestVideoFrameCallback(look);
  };
  video.requestVideoFrameCallback(look);
};
