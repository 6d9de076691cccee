// For `node --expose-gc --import` of a gateway under test: what it holds, told on a Unix socket (INSIDE_LOOK) as JSON to
// whoever connects. No part of the gateway, and gone with it.
import { readdirSync } from 'node:fs';
import { createServer } from 'node:net';

const path = process.env['INSIDE_LOOK'];
if (path !== undefined) {
  const server = createServer((socket) => {
    socket.on('error', () => undefined);
    for (let turn = 0; turn < 3; turn += 1) globalThis.gc?.();
    const held = {};
    for (const name of process.getActiveResourcesInfo()) held[name] = (held[name] ?? 0) + 1;
    const { heapUsed, external, rss } = process.memoryUsage();
    socket.end(JSON.stringify({ heapUsed, external, rss, held, files: readdirSync('/proc/self/fd').length }));
  });
  server.listen(path);
  server.unref();
}
