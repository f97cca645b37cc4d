// The way to a server, which can be cut, and one that ends TLS before it.

import { execFile } from 'node:child_process';
import { once } from 'node:events';
import { readFile } from 'node:fs/promises';
import http from 'node:http';
import https from 'node:https';
import { connect, createServer } from 'node:net';
import path from 'node:path';
import { promisify } from 'node:util';

/** Passes TCP on to a server until it is cut: then nothing comes through. */
export async function startWire({ server, after }) {
  const ends = new Set();
  let whole = true;
  const relay = createServer((client) => {
    if (!whole) return client.destroy();
    const upstream = connect({ host: '127.0.0.1', port: server.options.port });
    for (const [from, to] of [[client, upstream], [upstream, client]]) {
      ends.add(from);
      from.setNoDelay(true);
      from.pipe(to);
      from.on('error', () => to.destroy());
      from.on('close', () => {
        ends.delete(from);
        to.destroy();
      });
    }
  });
  relay.listen(0, '127.0.0.1');
  await once(relay, 'listening');
  const cut = () => {
    whole = false;
    for (const end of ends) end.destroy();
  };
  after(() => {
    cut();
    relay.close();
  });
  return { origin: `http://127.0.0.1:${relay.address().port}`, cut, mend: () => (whole = true) };
}

/** A proxy that ends TLS and says so in X-Forwarded-Proto, as most do; its certificate is its own. */
export async function startTlsProxy({ server, after }) {
  const file = (name) => path.join(server.options.data, name);
  await promisify(execFile)('openssl', ['req', '-x509', '-newkey', 'ec', '-pkeyopt', 'ec_paramgen_curve:P-256', '-nodes', '-days', '2',
    '-subj', '/CN=localhost', '-keyout', file('proxy.key'), '-out', file('proxy.crt')]);
  const tls = { key: await readFile(file('proxy.key')), cert: await readFile(file('proxy.crt')) };
  const proxy = https.createServer(tls, (request, response) => {
    const { method, url, headers } = request;
    const onward = { host: '127.0.0.1', port: server.options.port, method, path: url, headers: { ...headers, 'x-forwarded-proto': 'https' } };
    const upstream = http.request(onward, (answer) => {
      response.writeHead(answer.statusCode, answer.headers);
      response.flushHeaders();
      answer.pipe(response);
      answer.on('error', () => response.destroy());
    });
    upstream.on('error', () => response.destroy());
    response.on('close', () => upstream.destroy());
    request.pipe(upstream);
  });
  proxy.listen(0, '127.0.0.1');
  await once(proxy, 'listening');
  after(() => {
    proxy.closeAllConnections();
    proxy.close();
  });
  return { origin: `https://localhost:${proxy.address().port}` };
}
