// Ports nobody listens on.

import { createSocket } from 'node:dgram';
import { once } from 'node:events';
import { createServer } from 'node:net';

/** A TCP port that is free on 127.0.0.1 now. */
export async function freePort() {
  const server = createServer();
  server.listen(0, '127.0.0.1');
  await once(server, 'listening');
  const { port } = server.address();
  server.close();
  await once(server, 'close');
  return port;
}

/** A port that is free for UDP and TCP on every address: what WebRTC needs. */
export async function freeMediaPort() {
  for (;;) {
    const server = createServer();
    server.listen(0, '0.0.0.0');
    await once(server, 'listening');
    const { port } = server.address();
    const socket = createSocket('udp4');
    socket.bind(port, '0.0.0.0');
    const free = await Promise.race([once(socket, 'listening').then(() => true), once(socket, 'error').then(() => false)]).catch(() => false);
    if (free) {
      socket.close();
      await once(socket, 'close');
    }
    server.close();
    await once(server, 'close');
    if (free) return port;
  }
}
