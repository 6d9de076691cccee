// One end of a transfer; prints what it found as a line of JSON. `node transfer.mjs MODE ADDRESS PORT SIZE`.
//   tcp-take     takes one connection, hashes what comes, answers with the hash
//   tcp-give     sends SIZE octets that look random, in writes of many lengths, and compares the hash that comes back
//   udp-take     takes datagrams, answers each burst with the hash of its datagrams in order
//   udp-give     sends SIZE bursts of 32 datagrams and compares the hashes
//   udp-count    takes SIZE datagrams, then prints how many lengths there were and whether their data follow
import { createHash, randomBytes } from 'node:crypto';
import { createSocket } from 'node:dgram';
import { once } from 'node:events';
import { connect, createServer } from 'node:net';

const [, , mode, address, portText, sizeText] = process.argv;
const port = Number(portText);
const size = Number(sizeText);
const say = (found) => console.log(JSON.stringify(found));
const type = address.includes(':') ? 'udp6' : 'udp4';
const BURST = 32;

/** Sequence in burst, burst number, and the rest random: a datagram of the burst's length. */
const datagram = (burst, index, length) => {
  const bytes = randomBytes(length);
  bytes.writeUInt32BE(burst, 0);
  bytes.writeUInt16BE(index, 4);
  return bytes;
};

const modes = {
  'tcp-take': async () => {
    const server = createServer({ allowHalfOpen: true }).listen(port, address);
    await once(server, 'listening');
    say({ ready: true });
    const [socket] = await once(server, 'connection');
    const hash = createHash('sha256');
    let octets = 0;
    for await (const chunk of socket) {
      hash.update(chunk);
      octets += chunk.length;
    }
    const digest = hash.digest('hex');
    server.close();
    say({ octets, digest });
  },
  'tcp-give': async () => {
    const socket = connect(port, address);
    await once(socket, 'connect');
    const hash = createHash('sha256');
    for (let sent = 0, turn = 0; sent < size; turn += 1) {
      const chunk = randomBytes(Math.min(size - sent, [65_536, 1, 1347, 200_000, 8000][turn % 5]));
      hash.update(chunk);
      sent += chunk.length;
      if (!socket.write(chunk)) await once(socket, 'drain');
    }
    socket.end();
    socket.resume();
    await once(socket, 'close');
    say({ octets: size, digest: hash.digest('hex') });
  },
  'udp-take': async () => {
    const socket = createSocket(type);
    socket.bind(port, address, () => say({ ready: true }));
    let burst = [];
    socket.on('message', (message, from) => {
      if (message.length === 1) {
        socket.close();
        return;
      }
      if (message.readUInt16BE(4) === 0) burst = [];
      burst.push(message);
      if (message.readUInt16BE(4) !== BURST - 1) return;
      const digest = createHash('sha256').update(Buffer.concat(burst)).digest();
      socket.send(Buffer.concat([message.subarray(0, 4), digest]), from.port, from.address);
    });
    await once(socket, 'close');
  },
  'udp-give': async () => {
    const socket = createSocket(type);
    for (let number = 0; number < size; number += 1) {
      const length = [1300, 100, 1372 - (type === 'udp6' ? 20 : 0), 537][number % 4];
      const burst = Array.from({ length: BURST }, (_, i) => datagram(number, i, i === BURST - 1 ? 99 : length));
      const wanted = createHash('sha256').update(Buffer.concat(burst)).digest();
      const send = () => {
        for (const bytes of burst) socket.send(bytes, port, address);
      };
      // Datagrams may be lost: then the burst is sent again.
      const again = setInterval(send, 1000);
      send();
      for (let done = false; !done; ) {
        const [answer] = await once(socket, 'message');
        done = answer.readUInt32BE(0) === number && wanted.equals(answer.subarray(4));
      }
      clearInterval(again);
    }
    socket.send(Buffer.alloc(1), port, address, () => socket.close());
    await once(socket, 'close');
    say({ bursts: size });
  },
  'udp-count': async () => {
    const socket = createSocket(type);
    socket.bind(port, address, () => say({ ready: true }));
    const whole = [];
    socket.on('message', (message) => {
      whole.push(message);
      if (whole.length === size) socket.close();
    });
    await once(socket, 'close');
    say({
      lengths: whole.map(({ length }) => length),
      digest: createHash('sha256').update(Buffer.concat(whole)).digest('hex'),
    });
  },
};

await modes[mode]();
