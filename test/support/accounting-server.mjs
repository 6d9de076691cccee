// A RADIUS accounting server that says what it is told (RFC 2866), one line a record: "start ID PACKETS".
// With a session as its second argument it is a client for Disconnect-Request (RFC 5176), and says the code of the answer.
import { createHash, createHmac } from 'node:crypto';
import { createSocket } from 'node:dgram';

const [secret, session, host] = process.argv.slice(2);
const KINDS = { 1: 'start', 2: 'stop', 3: 'interim', 7: 'on', 8: 'off' };
const md5 = (...parts) => createHash('md5').update(Buffer.concat(parts)).digest();
const say = (line) => process.stdout.write(`${line}\n`);
const socket = createSocket('udp4');

const attributes = (bytes) => {
  const found = new Map();
  for (let at = 20; at + 2 <= bytes.length && bytes[at + 1] >= 2; at += bytes[at + 1]) {
    found.set(bytes[at], bytes.subarray(at + 2, at + bytes[at + 1]));
  }
  return found;
};
const number = (bytes) => (bytes === undefined ? 0 : bytes.readUInt32BE(0));

if (session === undefined) {
  socket.on('message', (bytes, from) => {
    const head = Buffer.from([5, bytes[1], 0, 20]);
    socket.send(Buffer.concat([head, md5(head, bytes.subarray(4, 20), Buffer.from(secret))]), from.port, from.address);
    const found = attributes(bytes);
    say(`${KINDS[number(found.get(40))]} ${found.get(44)} ${number(found.get(47)) + number(found.get(48))}`);
  });
  socket.bind(1813, () => say('listens'));
} else {
  const id = Buffer.from(session);
  const named = Buffer.concat([Buffer.from([44, id.length + 2]), id]);
  const length = 20 + named.length + 18;
  const packet = Buffer.concat([
    Buffer.from([40, 7, 0, length]),
    Buffer.alloc(16),
    named,
    Buffer.from([80, 18]),
    Buffer.alloc(16),
  ]);
  createHmac('md5', secret)
    .update(packet)
    .digest()
    .copy(packet, length - 16);
  md5(packet, Buffer.from(secret)).copy(packet, 4);
  socket.on('message', (bytes) => {
    say(`answer ${bytes[0]}`);
    process.exit();
  });
  // A client asks again until it is answered.
  setInterval(() => socket.send(packet, 3799, host), 1000);
  socket.send(packet, 3799, host);
}
