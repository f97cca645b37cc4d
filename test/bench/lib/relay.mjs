// A worse network, in user space: a process of its own that passes TCP and UDP on
// with a delay each way. As a module it starts that process.
//
// The delay of each packet is drawn evenly from 15 to 45 ms. TCP keeps its order,
// and a connection costs one round trip before its first byte; UDP packets may
// overtake each other, as they do on the way through a real network.

import { fork } from 'node:child_process';
import { createSocket } from 'node:dgram';
import { once } from 'node:events';
import { connect, createServer } from 'node:net';
import { fileURLToPath } from 'node:url';

import { stopAtExit } from '../../e2e/lib/processes.mjs';

const host = '127.0.0.1';
const [least, most] = [15, 45]; // ms

const drawn = () => least + Math.random() * (most - least);

/** Passes one direction of a connection on, in order: timers of different lengths that end together do not keep theirs. */
function delayed(from, to) {
  const queue = []; // what is to be done, and when
  let due = performance.now() + least + most;
  const next = () => {
    while (queue.length > 0 && queue[0].due <= performance.now()) queue.shift().act();
    if (queue.length > 0) setTimeout(next, Math.max(1, queue[0].due - performance.now()));
  };
  const later = (act) => {
    due = Math.max(due, performance.now() + drawn());
    if (queue.push({ due, act }) === 1) setTimeout(next, due - performance.now());
  };
  from.on('data', (bytes) => later(() => to.write(bytes)));
  from.on('end', () => later(() => to.end()));
  from.on('error', () => to.destroy());
  from.on('close', () => later(() => to.destroy()));
}

async function relayTCP(port) {
  const server = createServer({ noDelay: true, allowHalfOpen: true }, (viewer) => {
    const upstream = connect({ host, port, noDelay: true, allowHalfOpen: true });
    delayed(viewer, upstream);
    delayed(upstream, viewer);
  });
  server.listen(0, host);
  await once(server, 'listening');
  return server.address().port;
}

async function relayUDP(port) {
  const socket = createSocket('udp4');
  const upstreams = new Map(); // by the sender's address: the server tells senders apart by it
  const upstreamOf = ({ address, port: from }) => {
    const name = `${address}:${from}`;
    if (!upstreams.has(name)) {
      const upstream = createSocket('udp4');
      upstream.on('message', (packet) => setTimeout(() => socket.send(packet, from, address), drawn()));
      upstreams.set(name, upstream);
    }
    return upstreams.get(name);
  };
  socket.on('message', (packet, sender) => setTimeout(() => upstreamOf(sender).send(packet, port, host), drawn()));
  socket.bind(0, host);
  await once(socket, 'listening');
  return socket.address().port;
}

/** Starts a relay in front of a server, until the scene ends. */
export async function startRelay({ server, after }) {
  const { port, mediaPort } = server.options;
  const child = fork(fileURLToPath(import.meta.url), [String(port), String(mediaPort)]);
  stopAtExit(child);
  after(() => child.kill('SIGKILL'));
  const [{ tcpPort, udpPort }] = await once(child, 'message');
  return { origin: `http://${host}:${tcpPort}`, udpPort };
}

if (process.argv[1] === fileURLToPath(import.meta.url)) {
  const [port, mediaPort] = process.argv.slice(2).map(Number);
  process.send({ tcpPort: await relayTCP(port), udpPort: await relayUDP(mediaPort) });
  process.on('disconnect', () => process.exit());
}
