// A publisher whose way to the server the test chooses.

const candidate = /^a=candidate:.*\r\n/gm;

async function post({ origin, key }, path, body) {
  const response = await fetch(`${origin}/v1/streams/${path}`, {
    method: 'POST',
    headers: { 'Content-Type': 'application/json', Authorization: `Bearer ${key}` },
    body: body && JSON.stringify(body),
  });
  const json = await response.json();
  if (json.code !== 200) throw Object.assign(new Error(`${path}: ${JSON.stringify(json)}`), { code: json.code, reason: json.error });
  return json.data;
}

/** Keeps the candidates of a protocol in an answer, or puts those of relays on this machine in their place. */
function by(sdp, { protocol, relays }) {
  if (protocol) return sdp.replace(candidate, (line) => (line.includes(` 1 ${protocol} `) ? line : ''));
  if (!relays) return sdp;
  const lines = relays.map((port, i) => `a=candidate:${i} 1 udp ${2130706431 - i * 256} 127.0.0.1 ${port} typ host\r\n`);
  return sdp.replace(candidate, '').replace(/^a=ice-pwd:.*\r\n/gm, (line) => line + lines.join(''));
}

/** Sends an offer of the connection there is, and takes the answer. */
async function negotiate(way) {
  const { peer, server, id } = window.publisher;
  await peer.setLocalDescription();
  const { type, sdp } = peer.localDescription;
  const answer = await post(server, `${id}/init`, { session_description: { type, sdp } });
  await peer.setRemoteDescription({ ...answer, sdp: by(answer.sdp, way) });
}

/** A picture that changes every six seconds. */
function stillPicture() {
  const canvas = document.createElement('canvas');
  const context = canvas.getContext('2d');
  const media = canvas.captureStream(0);
  const draw = () => {
    context.fillRect(0, 0, 10, 10);
    media.getTracks()[0].requestFrame();
  };
  draw();
  setInterval(draw, 6000);
  return media;
}

/** Publishes a camera, which is not there, and starts the stream. A still picture is published only. */
window.publishBy = async (server, id, way = {}, kinds = { video: { width: 640, height: 360, frameRate: 30 }, audio: true }) => {
  const media = kinds.still ? stillPicture() : await navigator.mediaDevices.getUserMedia(kinds);
  const peer = new RTCPeerConnection();
  window.publisher = { peer, media, server, id };
  for (const track of media.getTracks()) peer.addTrack(track, media);
  const connected = new Promise((resolve, reject) => {
    peer.addEventListener('connectionstatechange', () => {
      if (peer.connectionState === 'connected') resolve();
      if (peer.connectionState === 'failed') reject(new Error('the connection failed'));
    });
  });
  await negotiate(way);
  await connected;
  return kinds.still || post(server, `${id}/start`);
};

/** Offers once more on the same connection. */
window.offerAgain = async (how) => {
  const { peer } = window.publisher;
  if (how === 'restartIce') peer.restartIce();
  if (how === 'addTrack') {
    const media = await navigator.mediaDevices.getUserMedia({ video: { width: 640, height: 360, frameRate: 30 } });
    for (const track of media.getTracks()) peer.addTrack(track, media);
  }
  try {
    await negotiate({});
    return { code: 200 };
  } catch (err) {
    return { code: err.code, reason: err.reason, message: err.message };
  }
};

/** The path that is in use, and what goes over it. */
window.path = async () => {
  const { peer } = window.publisher;
  const all = [...(await peer.getStats()).values()];
  const pairs = all.filter(({ type, nominated, state }) => type === 'candidate-pair' && nominated && state === 'succeeded');
  const pair = pairs.sort((a, b) => b.bytesSent - a.bytesSent)[0];
  const remote = all.find(({ id }) => id === pair?.remoteCandidateId);
  const heard = all.filter(({ type }) => type === 'remote-inbound-rtp').map(({ timestamp }) => timestamp);
  return { state: peer.connectionState, protocol: remote?.protocol, port: remote?.port, bytesSent: pair?.bytesSent ?? 0, heard: Math.max(0, ...heard) };
};

// A browser that no test can drive is told by its address what to do, and reports
// how that goes.
const told = new URLSearchParams(location.search).get('told');
if (told) {
  const { server, id, way, report } = JSON.parse(told);
  const tell = (what) => fetch(report, { method: 'POST', mode: 'no-cors', body: JSON.stringify(what) });
  window.publishBy(server, id, way).then(
    () => setInterval(async () => tell(await window.path()), 500),
    (err) => tell({ error: String(err) }),
  );
}
