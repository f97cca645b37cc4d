// A publisher that does what the API asks for, and nothing else.

async function post({ origin, key }, path, body) {
  const response = await fetch(`${origin}/v1/streams/${path}`, {
    method: 'POST',
    headers: { 'Content-Type': 'application/json', Authorization: `Bearer ${key}` },
    body: body && JSON.stringify(body),
  });
  const json = await response.json();
  if (json.code !== 200) throw new Error(`${path}: ${JSON.stringify(json)}`);
  return json.data;
}

/**
 * Publishes the camera to a prepared stream and starts it. `size` is what the
 * camera is asked for. Gives what publishMedia gives.
 */
window.publish = async (server, id, size) =>
  window.publishMedia(server, id, await navigator.mediaDevices.getUserMedia({ video: { frameRate: 30, ...size }, audio: true }));

/**
 * Publishes media to a prepared stream and starts it. With a `relayPort` all
 * packets go through a relay on that UDP port of this machine: the server is
 * told no address of ours, and its own are not used. Gives the addresses of the
 * manifests, when the start was asked for, in milliseconds since 1970, and how
 * long it took after the connection stood.
 */
window.publishMedia = async (server, id, media, relayPort) => {
  document.querySelector('video').srcObject = media;
  const peer = new RTCPeerConnection();
  window.publisher = { peer, media };
  const connected = new Promise((resolve, reject) => {
    peer.addEventListener('connectionstatechange', () => {
      if (peer.connectionState === 'connected') resolve(performance.now());
      if (peer.connectionState === 'failed') reject(new Error('the connection failed'));
    });
  });
  peer.addEventListener('icecandidate', ({ candidate }) => {
    if (candidate && !relayPort) post(server, `${id}/ice`, candidate.toJSON());
  });
  for (const track of media.getTracks()) peer.addTrack(track, media);
  await peer.setLocalDescription();
  const { type, sdp } = peer.localDescription;
  const offer = { type, sdp: relayPort ? withoutCandidates(sdp) : sdp };
  const answer = await post(server, `${id}/init`, { session_description: offer });
  await peer.setRemoteDescription(relayPort ? { ...answer, sdp: throughRelay(answer.sdp, relayPort) } : answer);
  const at = await connected;
  const startedAt = Date.now();
  const manifests = await post(server, `${id}/start`);
  return { ...manifests, startedAt, startTook: performance.now() - at };
};

const candidates = /^a=candidate:.*\r\n/gm;

function withoutCandidates(sdp) {
  return sdp.replace(candidates, '');
}

/** Puts the relay in the place of the server's addresses, in each section. */
function throughRelay(sdp, port) {
  const relay = `a=candidate:1 1 udp 2130706431 127.0.0.1 ${port} typ host\r\n`;
  return withoutCandidates(sdp).replace(/^a=ice-pwd:.*\r\n/gm, (line) => line + relay);
}

/** The size of the picture that leaves the browser now. */
window.sentSize = async () => {
  for (const report of (await window.publisher.peer.getStats()).values()) {
    if (report.type === 'outbound-rtp' && report.kind === 'video') return [report.frameWidth, report.frameHeight];
  }
  return null;
};

/** Sends a smaller picture, as a browser does by itself on a bad line. */
window.scaleDown = async (factor) => {
  const sender = window.publisher.peer.getSenders().find(({ track }) => track.kind === 'video');
  const parameters = sender.getParameters();
  parameters.encodings[0].scaleResolutionDownBy = factor;
  await sender.setParameters(parameters);
};
