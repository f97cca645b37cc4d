// Network paths to the server that can be cut: UDP relays on ports of this machine.

import { createSocket } from 'node:dgram';
import { once } from 'node:events';

/** Whether a packet is RTP or RTCP (RFC 7983, section 7). */
const isMedia = (packet) => packet[0] >= 128 && packet[0] < 192;

/** Opens a path, which lasts until the scene ends or it is cut. It counts the media that it carries to the server. */
export async function openPath(scene, mediaPort) {
  const socket = createSocket('udp4');
  const upstreams = new Map(); // by the publisher's address: the server tells publishers apart by it
  const path = { port: 0, media: 0, cut: false };
  socket.on('message', (packet, { address, port }) => {
    if (path.cut) return;
    if (isMedia(packet)) path.media++;
    const from = `${address}:${port}`;
    if (!upstreams.has(from)) {
      const upstream = createSocket('udp4');
      upstream.on('message', (answer) => {
        if (!path.cut) socket.send(answer, port, address);
      });
      upstreams.set(from, upstream);
    }
    upstreams.get(from).send(packet, mediaPort, '127.0.0.1');
  });
  socket.bind(0, '127.0.0.1');
  await once(socket, 'listening');
  path.port = socket.address().port;
  scene.after(() => {
    socket.close();
    for (const upstream of upstreams.values()) upstream.close();
  });
  return path;
}
