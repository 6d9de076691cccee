// An OTLP collector on 127.0.0.1:4318 that only counts, so that it costs the machine little: `FILE` holds the counts so far.
import { renameSync, writeFileSync } from 'node:fs';
import { createServer } from 'node:http';

/** An attribute that each traced packet has once; its name is the same text in protobuf and in JSON. */
const PACKET = Buffer.from('pptp.packet.direction');

const [file = ''] = process.argv.slice(2);
const counts = { requests: 0, octets: 0, packets: 0 };

const keep = (): void => {
  writeFileSync(`${file}.new`, JSON.stringify(counts));
  renameSync(`${file}.new`, file);
};

const packetsIn = (body: Buffer): number => {
  let found = 0;
  for (let at = body.indexOf(PACKET); at >= 0; at = body.indexOf(PACKET, at + PACKET.length)) found += 1;
  return found;
};

keep();
createServer(async (request, response) => {
  const chunks: Uint8Array[] = [];
  for await (const chunk of request) chunks.push(chunk);
  const body = Buffer.concat(chunks);
  response.setHeader('content-type', request.headers['content-type'] ?? 'application/json').end();
  counts.requests += 1;
  counts.octets += body.length;
  counts.packets += packetsIn(body);
  keep();
}).listen(4318, '127.0.0.1', () => console.log('{"event":"listening"}'));
process.once('SIGTERM', () => process.exit(0));
