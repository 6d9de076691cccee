// The intranet host's services: enough to prove that bytes cross a tunnel whole, and whose address they come from.
//
//   GET  /bytes/N   N bytes made from their own position, so that both sides know the digest
//   GET  /sha256/N  the digest of those N bytes
//   PUT  /sha256    the digest of the body
//   GET  /whoami    the caller's address as this host sees it
//   UDP 7           echo
import { createHash } from 'node:crypto';
import { createSocket } from 'node:dgram';
import { writeFileSync } from 'node:fs';
import { createServer } from 'node:http';
import { Readable } from 'node:stream';
import { pipeline } from 'node:stream/promises';

const [address, readyFile] = process.argv.slice(2);

function* pattern(total) {
  let state = 0x9e3779b9;
  for (let sent = 0; sent < total; ) {
    const chunk = Buffer.alloc(Math.min(65_536, total - sent));
    for (let i = 0; i < chunk.length; i += 1) {
      state = (Math.imul(state, 1_664_525) + 1_013_904_223) >>> 0;
      chunk[i] = state >>> 24;
    }
    sent += chunk.length;
    yield chunk;
  }
}

async function digest(chunks) {
  const hash = createHash('sha256');
  for await (const chunk of chunks) hash.update(chunk);
  return `${hash.digest('hex')}\n`;
}

const server = createServer(async (request, response) => {
  const [, what = '', count = '0'] = (request.url ?? '').split('/');
  try {
    if (what === 'bytes') {
      response.setHeader('content-length', count);
      await pipeline(Readable.from(pattern(Number(count))), response);
    } else if (what === 'sha256') {
      response.end(await digest(request.method === 'PUT' ? request : pattern(Number(count))));
    } else if (what === 'whoami') {
      response.end(`${request.socket.remoteAddress}\n`);
    } else {
      response.writeHead(404).end();
    }
  } catch {
    response.destroy(); // the caller went away
  }
});

const echo = createSocket('udp4', (message, from) => echo.send(message, from.port, from.address));
echo.bind(7, address, () => server.listen(80, address, () => writeFileSync(readyFile, `${process.pid}\n`)));
