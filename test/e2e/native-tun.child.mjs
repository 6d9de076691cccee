// The cases of native-tun.test.ts. `node native-tun.child.mjs` prints their names as JSON; `unshare --net node
// --expose-gc native-tun.child.mjs CASE` runs one, in a network namespace that ends with the process.
import assert from 'node:assert/strict';
import { execFileSync } from 'node:child_process';
import { createSocket } from 'node:dgram';
import { once } from 'node:events';
import { readdirSync, readFileSync } from 'node:fs';
import { createRequire } from 'node:module';
import { fileURLToPath } from 'node:url';
import { isMainThread, parentPort, Worker, workerData } from 'node:worker_threads';

const native = createRequire(import.meta.url)('../../native/build/Release/pptp_native.node');
const slotSize = 2048;
const headroom = 64;
const batchSize = 64;
/** The address of the kernel's end, and one that is routed into the device. */
const near = '10.99.0.1';
const far = '10.99.0.2';

const ip = (...args) => execFileSync('ip', args, { encoding: 'utf8' });
const interfaces = () => readFileSync('/proc/net/dev', 'utf8');
const exists = (name) => new RegExp(`^\\s*${name}:`, 'm').test(interfaces());
const open = (change = {}) => native.tunOpen({ name: 'pptp%d', multiQueue: false, vnetHdr: false, ...change });

function openUp(change) {
  const tun = open(change);
  ip('address', 'add', `${near}/24`, 'dev', tun.name);
  ip('link', 'set', tun.name, 'mtu', '1400', 'up');
  return tun;
}

function makeBatch() {
  const slots = Array.from({ length: batchSize }, (_, i) => i);
  return {
    slab: new Uint8Array(slotSize * batchSize),
    offsets: Int32Array.from(slots, (i) => i * slotSize + headroom),
    lengths: new Int32Array(batchSize),
    order: Int32Array.from(slots),
    result: new Int32Array(2),
  };
}

const packetAt = (batch, i) => batch.slab.subarray(batch.offsets[i], batch.offsets[i] + batch.lengths[i]);
const read = (fd, batch, max = batchSize, start = 0) =>
  native.tunReadBatch(fd, batch.slab, slotSize, headroom, batch.lengths, max, start);
const write = (fd, batch, count, from = 0) =>
  native.tunWriteBatch(fd, batch.slab, batch.offsets, batch.lengths, batch.order, from, count, batch.result);

function checksum(bytes) {
  let sum = 0;
  for (let i = 0; i < bytes.length; i += 2) sum += (bytes[i] << 8) | (bytes[i + 1] ?? 0);
  while (sum > 0xffff) sum = (sum & 0xffff) + (sum >>> 16);
  return ~sum & 0xffff;
}

/** An ICMP echo request from the far end to the kernel, in slot `i`. */
function putEchoRequest(batch, i, sequence) {
  const length = 20 + 8 + 56;
  batch.lengths[i] = length;
  const packet = packetAt(batch, i).fill(0xa5);
  const view = new DataView(packet.buffer, packet.byteOffset, length);
  packet.set([0x45, 0, 0, length, 0, 0, 0, 0, 64, 1, 0, 0]);
  packet.set(far.split('.'), 12);
  packet.set(near.split('.'), 16);
  view.setUint16(10, checksum(packet.subarray(0, 20)));
  packet.set([8, 0, 0, 0, 0x12, 0x34], 20);
  view.setUint16(26, sequence);
  view.setUint16(22, checksum(packet.subarray(20)));
}

function putEchoRequests(batch, count) {
  for (let i = 0; i < count; i += 1) putEchoRequest(batch, i, i);
}

const isIcmp = (packet) => packet[0] === 0x45 && packet[9] === 1;
const isUdp = (packet) => packet[0] === 0x45 && packet[9] === 17;
const echoReplySequence = (packet) => (isIcmp(packet) && packet[20] === 0 ? (packet[26] << 8) | packet[27] : undefined);

/** Calls `accept` for every packet that arrives, until it returns true. */
function watch(fd, accept) {
  const batch = makeBatch();
  return new Promise((done, fail) => {
    const handle = native.pollStart(fd, () => {
      try {
        for (let count = read(fd, batch); count > 0; count = read(fd, batch)) {
          for (let i = 0; i < count; i += 1) {
            if (!accept(packetAt(batch, i))) continue;
            native.pollStop(handle);
            done();
            return;
          }
        }
      } catch (error) {
        native.pollStop(handle);
        fail(error);
      }
    });
  });
}

/** Resolves with the sequence numbers of the first `count` echo replies, as they arrive. */
async function echoReplies(fd, count) {
  const seen = [];
  await watch(fd, (packet) => {
    const sequence = echoReplySequence(packet);
    if (sequence !== undefined) seen.push(sequence);
    return seen.length === count;
  });
  return seen;
}

function sendDatagram(payload) {
  const socket = createSocket('udp4');
  socket.send(payload, 4000, far, () => socket.close());
}

const cases = {
  'opens under a given or chosen name, and close removes the device': () => {
    const first = open();
    const second = open({ name: '' });
    const named = open({ name: 'pptp-fifteen-ch' });
    assert.match(first.name, /^pptp\d+$/);
    assert.match(second.name, /^tun\d+$/);
    assert.equal(named.name, 'pptp-fifteen-ch');
    for (const { fd, name } of [first, second, named]) {
      assert.ok(exists(name), `${name} exists`);
      const flags = Number.parseInt(readFileSync(`/proc/self/fdinfo/${fd}`, 'utf8').match(/flags:\s*(\d+)/)[1], 8);
      assert.equal(flags & 0o4000, 0o4000, 'O_NONBLOCK');
      assert.equal(flags & 0o2000000, 0o2000000, 'O_CLOEXEC');
      native.closeFd(fd);
      assert.ok(!exists(name), `${name} is gone`);
    }
  },

  'names what the kernel refuses': () => {
    const { fd, name } = open();
    assert.throws(() => open({ name }), { code: 'EBUSY' });
    assert.throws(() => open({ name: 'lo' }), { code: 'EINVAL' });
    assert.throws(() => open({ name: 'a/b' }), { code: 'EINVAL' });
    assert.throws(() => open({ name, multiQueue: true }), { code: 'EINVAL' });
    native.closeFd(fd);
  },

  'leaks no descriptor when it fails': () => {
    const count = () => readdirSync('/proc/self/fd').length;
    const before = count();
    for (let i = 0; i < 100; i += 1) assert.throws(() => open({ name: 'lo' }), { code: 'EINVAL' });
    assert.equal(count(), before);
  },

  'answers EBADF once closed': () => {
    const { fd } = open();
    native.closeFd(fd);
    assert.throws(() => native.closeFd(fd), { code: 'EBADF' });
    assert.throws(() => read(fd, makeBatch()), { code: 'EBADF' });
  },

  'answers EPERM or EACCES without the right': () => {
    process.setgid(65534);
    process.setuid(65534);
    assert.throws(
      () => open(),
      (error) => ['EPERM', 'EACCES'].includes(error.code),
    );
  },

  'delivers a packet of the kernel': async () => {
    const { fd } = openUp();
    const text = 'from the kernel';
    sendDatagram(text);
    let seen;
    await watch(fd, (packet) => {
      if (isUdp(packet)) seen = Buffer.from(packet.subarray(28)).toString();
      return isUdp(packet);
    });
    assert.equal(seen, text);
    native.closeFd(fd);
  },

  'delivers a packet of MTU size whole': async () => {
    const { fd } = openUp();
    const payload = Buffer.alloc(1400 - 28, 'x');
    sendDatagram(payload);
    await watch(fd, (packet) => isUdp(packet) && payload.equals(packet.subarray(28)));
    native.closeFd(fd);
  },

  'writes an echo request that the kernel answers': async () => {
    const { fd } = openUp();
    const batch = makeBatch();
    putEchoRequest(batch, 0, 4711);
    assert.equal(write(fd, batch, 1), 1);
    assert.deepEqual(await echoReplies(fd, 1), [4711]);
    native.closeFd(fd);
  },

  'writes a batch of 64 in the order asked for': async () => {
    const { fd } = openUp();
    const batch = makeBatch();
    putEchoRequests(batch, batchSize);
    batch.order.reverse();
    assert.equal(write(fd, batch, batchSize), batchSize);
    assert.deepEqual([...batch.result], [0, 0]);
    assert.deepEqual(await echoReplies(fd, batchSize), [...batch.order]);
    native.closeFd(fd);
  },

  'reads many packets per call, from the start slot on': () => {
    const { fd } = openUp();
    const out = makeBatch();
    putEchoRequests(out, 40);
    assert.equal(write(fd, out, 40), 40);
    const batch = makeBatch();
    const seen = [];
    let largest = 0;
    while (seen.length < 40) {
      const count = read(fd, batch, 50, 14);
      largest = Math.max(largest, count);
      for (let i = 14; i < 14 + count; i += 1) {
        const sequence = echoReplySequence(packetAt(batch, i));
        if (sequence !== undefined) seen.push(sequence);
      }
    }
    assert.deepEqual(seen, [...Array(40).keys()]);
    assert.ok(largest > 1, 'a call returned more than one packet');
    assert.ok(
      batch.slab.subarray(0, 14 * slotSize).every((value) => value === 0),
      'slots before start are untouched',
    );
    native.closeFd(fd);
  },

  'skips and counts malformed packets': async () => {
    const { fd } = openUp();
    const batch = makeBatch();
    putEchoRequests(batch, 6);
    packetAt(batch, 0)[0] = 0x00;
    packetAt(batch, 2)[0] = 0xf5;
    batch.lengths[5] = 0;
    assert.equal(write(fd, batch, 6), 3);
    assert.deepEqual([...batch.result], [3, 0]);
    assert.deepEqual(await echoReplies(fd, 3), [1, 3, 4]);
    native.closeFd(fd);
  },

  'counts packets for an interface that is down': () => {
    const { fd, name } = openUp();
    ip('link', 'set', name, 'down');
    const batch = makeBatch();
    putEchoRequests(batch, 3);
    assert.equal(write(fd, batch, 3), 0);
    assert.deepEqual([...batch.result], [3, 3]);
    native.closeFd(fd);
  },

  'answers EBADFD when somebody else removes the interface': async () => {
    const { fd, name } = openUp();
    const watched = watch(fd, () => false);
    ip('link', 'delete', name);
    await assert.rejects(watched, { code: 'EBADFD' });
    const batch = makeBatch();
    putEchoRequest(batch, 0, 0);
    assert.throws(() => write(fd, batch, 1), { code: 'EBADFD' });
    native.closeFd(fd);
  },

  'ends the watch of a device that is closed': async () => {
    const first = openUp();
    native.pollStart(first.fd, () => assert.fail('the watch has ended'));
    native.closeFd(first.fd);
    // The kernel gives the same number again; the old watch must not be in its way.
    const second = openUp();
    assert.equal(second.fd, first.fd);
    sendDatagram('again');
    await watch(second.fd, isUdp);
    native.closeFd(second.fd);
  },

  'gives a device several queues': async () => {
    const first = openUp({ multiQueue: true });
    const second = open({ name: first.name, multiQueue: true });
    assert.equal(second.name, first.name);
    native.closeFd(first.fd);
    assert.ok(exists(second.name), 'the second queue keeps the device');
    sendDatagram('for whoever is left');
    await watch(second.fd, isUdp);
    native.closeFd(second.fd);
    assert.ok(!exists(second.name), 'the last queue takes the device with it');
  },

  'puts a virtio header before each packet when asked': async () => {
    const { fd } = openUp({ vnetHdr: true });
    sendDatagram('behind ten bytes');
    let seen;
    await watch(fd, (packet) => {
      const inner = packet.subarray(10);
      if (isUdp(inner)) seen = Buffer.from(inner.subarray(28)).toString();
      return isUdp(inner);
    });
    assert.equal(seen, 'behind ten bytes');
    native.closeFd(fd);
  },

  'delivers 10000 packets under garbage collection': async () => {
    const { fd } = openUp();
    const total = 10_000;
    const outgoing = makeBatch();
    const incoming = makeBatch();
    let sent = 0;
    let seen = 0;
    const sendMore = () => {
      const count = Math.min(batchSize, total - sent);
      for (let i = 0; i < count; i += 1) putEchoRequest(outgoing, i, sent + i);
      sent += count;
      assert.equal(write(fd, outgoing, count), count);
    };
    await new Promise((done) => {
      // The handle is dropped on purpose: nothing but the addon knows of this watch.
      native.pollStart(fd, () => {
        for (let count = read(fd, incoming); count > 0; count = read(fd, incoming)) {
          for (let i = 0; i < count; i += 1) {
            if (echoReplySequence(packetAt(incoming, i)) !== undefined) seen += 1;
          }
        }
        if (seen === total) done();
        else if (seen === sent) {
          globalThis.gc();
          setImmediate(sendMore);
        }
      });
      globalThis.gc();
      sendMore();
    });
    assert.equal(seen, total);
    native.closeFd(fd);
  },

  'removes the device of a worker that ends': async () => {
    const exiting = new Worker(fileURLToPath(import.meta.url), { workerData: { exits: true } });
    assert.deepEqual(await once(exiting, 'exit'), [9]);
    assert.doesNotMatch(interfaces(), /pptp/);
    const waiting = new Worker(fileURLToPath(import.meta.url), { workerData: {} });
    const [name] = await once(waiting, 'message');
    assert.ok(exists(name));
    await waiting.terminate();
    assert.doesNotMatch(interfaces(), /pptp/);
  },

  'lets the main thread and a worker drive a queue each': async () => {
    const { fd, name } = openUp({ multiQueue: true });
    const worker = new Worker(fileURLToPath(import.meta.url), { workerData: { queueOf: name } });
    await once(worker, 'message');
    const total = 256;
    const seen = { main: 0, worker: 0 };
    await new Promise((done) => {
      const count = (who, packets) => {
        seen[who] += packets;
        if (seen.main + seen.worker === total) done();
      };
      worker.on('message', (packets) => count('worker', packets));
      const batch = makeBatch();
      native.pollStart(fd, () => {
        const packets = readUdp(fd, batch);
        if (packets > 0) count('main', packets);
      });
      // The kernel spreads flows over the queues by their ports; each socket is a flow.
      for (let i = 0; i < total; i += 1) sendDatagram('x');
    });
    assert.ok(seen.main > 0 && seen.worker > 0, JSON.stringify(seen));
    await worker.terminate();
    native.closeFd(fd);
  },
};

function readUdp(fd, batch) {
  let packets = 0;
  for (let count = read(fd, batch); count > 0; count = read(fd, batch)) {
    for (let i = 0; i < count; i += 1) packets += isUdp(packetAt(batch, i)) ? 1 : 0;
  }
  return packets;
}

function runWorker({ queueOf, exits }) {
  const tun = queueOf === undefined ? openUp() : open({ name: queueOf, multiQueue: true });
  const batch = makeBatch();
  native.pollStart(tun.fd, () => {
    const packets = readUdp(tun.fd, batch);
    if (packets > 0) parentPort.postMessage(packets);
  });
  if (exits) process.exit(9);
  parentPort.postMessage(tun.name);
}

async function runCase(name) {
  assert.ok(Object.hasOwn(cases, name), `no case "${name}"`);
  await cases[name]();
  console.log(`passed: ${name}`);
}

const [, , chosen] = process.argv;
if (!isMainThread) runWorker(workerData);
else if (chosen === undefined) console.log(JSON.stringify(Object.keys(cases)));
else await runCase(chosen);
