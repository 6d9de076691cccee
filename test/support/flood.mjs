// Strangers at the door, from many addresses of one namespace:
//   node flood.mjs SERVER PORT COUNT AT-ONCE FIRST-ADDRESS ADDRESSES [A-SECOND]
// makes COUNT connections of every bad kind, each left as it is until the server ends it or AT-ONCE are there; then closes
// all of them and prints one line of JSON: how many of each kind, how many the server ended, the time.
import { connect } from 'node:net';

const [, , server, portText, countText, atOnceText, first, addressesText, rateText = '0'] = process.argv;
const [port, count, atOnce, addresses, rate] = [portText, countText, atOnceText, addressesText, rateText].map(Number);

/** A PPTP control message (RFC 2637 section 2): length, type 1, magic cookie, message type, reserved, body. */
const message = (type, length, change = () => undefined) => {
  const bytes = Buffer.alloc(length);
  bytes.writeUInt16BE(length, 0);
  bytes.writeUInt16BE(1, 2);
  bytes.writeUInt32BE(0x1a2b3c4d, 4);
  bytes.writeUInt16BE(type, 8);
  change(bytes);
  return bytes;
};
const start = (change = () => undefined) =>
  message(1, 156, (bytes) => {
    bytes.writeUInt16BE(0x0100, 12);
    bytes.writeUInt32BE(3, 16);
    bytes.writeUInt32BE(3, 20);
    change(bytes);
  });
const callRequest = (id) =>
  message(7, 168, (bytes) => {
    bytes.writeUInt16BE(id, 12);
    bytes.writeUInt16BE(id, 14);
    bytes.writeUInt32BE(300, 16);
    bytes.writeUInt32BE(100_000_000, 20);
    bytes.writeUInt32BE(3, 24);
    bytes.writeUInt32BE(3, 28);
    bytes.writeUInt16BE(64, 32);
  });
let seed = 4711;
const random = () => {
  seed = (Math.imul(seed, 1_103_515_245) + 12_345) >>> 0;
  return seed >>> 16;
};
const garbage = (length) => Buffer.from(Array.from({ length }, () => random() & 255));

/** Each is given the socket once it is connected. */
const kinds = {
  silent: () => undefined,
  reset: (socket) => socket.resetAndDestroy(),
  closed: (socket) => socket.end(),
  garbage: (socket) => socket.write(garbage(1 + (random() % 3000))),
  http: (socket) => socket.write('GET / HTTP/1.1\r\nHost: vpn\r\n\r\n'),
  truncated: (socket) => socket.write(start().subarray(0, 1 + (random() % 155))),
  'wrong magic': (socket) => socket.write(start((bytes) => bytes.writeUInt32BE(0x1a2b3c4e, 4))),
  'huge length': (socket) => socket.write(start((bytes) => bytes.writeUInt16BE(0xffff, 0))),
  'no length': (socket) => socket.write(start((bytes) => bytes.writeUInt16BE(0, 0))),
  'call first': (socket) => socket.write(callRequest(1)),
  'started only': (socket) => socket.write(start()),
  'call without GRE': (socket) => socket.write(Buffer.concat([start(), callRequest(1 + (random() % 60_000))])),
  trickle: (socket) => {
    const bytes = start();
    let at = 0;
    const timer = setInterval(() => {
      if (socket.destroyed || at >= bytes.length) clearInterval(timer);
      else socket.write(bytes.subarray(at, at + 1));
      at += 1;
    }, 200);
    socket.once('close', () => clearInterval(timer));
  },
};

const names = Object.keys(kinds);
const found = { made: 0, refused: 0, endedByServer: 0, kinds: Object.fromEntries(names.map((name) => [name, 0])) };
const open = new Set();
const began = performance.now();
const base = first.split('.').slice(0, 3).join('.');
const [, , , low] = first.split('.').map(Number);

let next = 0;
/** Whether the rate lets another one go now. */
const mayGo = () => rate === 0 || next < ((performance.now() - began) / 1000) * rate;
await new Promise((resolve) => {
  let running = 0;
  const more = () => {
    while (next < count && running < 64 && mayGo()) {
      const number = next;
      next += 1;
      running += 1;
      const name = names[number % names.length];
      const localAddress = `${base}.${low + (number % addresses)}`;
      const socket = connect({ host: server, port, localAddress });
      const counted = () => {
        running -= 1;
        if (open.size > atOnce)
          for (const one of open) {
            one.destroy();
            break;
          }
        if (next >= count && running === 0) resolve();
        else more();
      };
      let up = false;
      socket.once('connect', () => {
        up = true;
        found.made += 1;
        found.kinds[name] += 1;
        open.add(socket);
        socket.resume();
        kinds[name](socket);
        counted();
      });
      socket.on('end', () => {
        found.endedByServer += 1;
      });
      socket.on('error', ({ code }) => {
        if (up && code === 'ECONNRESET') found.endedByServer += 1;
      });
      socket.on('close', () => {
        open.delete(socket);
        if (up) return;
        found.refused += 1;
        counted();
      });
    }
  };
  more();
  if (rate === 0) return;
  const pace = setInterval(() => {
    more();
    if (next >= count) clearInterval(pace);
  }, 5);
});
for (const socket of open) socket.destroy();
console.log(JSON.stringify({ ...found, seconds: (performance.now() - began) / 1000 }));
