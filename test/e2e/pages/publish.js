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
 * camera is asked for. Gives the addresses of the manifests and how long the
 * start took, in milliseconds after the connection stood.
 */
window.publish = async (server, id, size) => {
  const media = await navigator.mediaDevices.getUserMedia({ video: { frameRate: 30, ...size }, audio: true });
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
    if (candidate) post(server, `${id}/ice`, candidate.toJSON());
  });
  for (const track of media.getTracks()) peer.addTrack(track, media);
  await peer.setLocalDescription();
  await peer.setRemoteDescription(await post(server, `${id}/init`, { session_description: peer.localDescription }));
  const at = await connected;
  const manifests = await post(server, `${id}/start`);
  return { ...manifests, startTook: performance.now() - at };
};

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
