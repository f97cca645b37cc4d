// A camera that says when each picture was taken: a canvas with the stamp of
// internal/testpicture, and a quiet tone beside it.

const frameRate = 30;
const canvas = document.querySelector('canvas');
const context = canvas.getContext('2d', { alpha: false });
const cell = { width: canvas.width / 40, height: canvas.height / 45 };

/** Fills a part of the grid of 40 columns and 45 rows. */
function fill(colour, left, top, right, bottom) {
  context.fillStyle = colour;
  context.fillRect(left * cell.width, top * cell.height, (right - left) * cell.width, (bottom - top) * cell.height);
}

/** The three lines of a stamp: high and low 24 bits, and their check. */
function linesOf(ms) {
  const high = Math.floor(ms / 2 ** 24);
  const low = ms % 2 ** 24;
  return [high, low, high ^ low ^ 0x555555];
}

function draw() {
  const now = Date.now();
  const bars = ['#b4b4b4', '#b4b410', '#10b4b4', '#10b410', '#b410b4', '#b41010', '#1010b4', '#101010'];
  bars.forEach((colour, i) => fill(colour, i * 5, 0, i * 5 + 5, 45));
  fill('#404040', 4, 23, 36, 27);
  const sweep = 30 * Math.abs(((now % 4000) / 2000) - 1);
  fill('#ffffff', 4 + sweep, 23, 6 + sweep, 27);
  fill('#000000', 7, 35, 33, 43);
  linesOf(now).forEach((bits, line) => {
    for (let i = 0; i < 24; i++) {
      if ((bits >> (23 - i)) & 1) fill('#ffffff', 8 + i, 36 + 2 * line, 9 + i, 38 + 2 * line);
    }
  });
}

function tone() {
  const audio = new AudioContext();
  const oscillator = new OscillatorNode(audio, { frequency: 440 });
  const volume = new GainNode(audio, { gain: 0.1 });
  const sink = audio.createMediaStreamDestination();
  oscillator.connect(volume).connect(sink);
  oscillator.start();
  return sink.stream.getAudioTracks()[0];
}

/** Publishes the canvas to a prepared stream, as publishMedia does. */
window.publishCanvas = (server, id, relayPort) => {
  // A picture is taken when it was drawn, not at the next tick of another clock.
  const [picture] = canvas.captureStream(0).getVideoTracks();
  picture.contentHint = 'motion';
  draw();
  setInterval(() => {
    draw();
    picture.requestFrame();
  }, 1000 / frameRate);
  return window.publishMedia(server, id, new MediaStream([picture, tone()]), relayPort);
};
