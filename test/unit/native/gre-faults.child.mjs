// Run with LD_PRELOAD of gre-faults.c: drives the addon's GRE functions with every fault, and compares with a model.
// Without an argument it prints the names of its cases; with one it runs that case.
import assert from 'node:assert/strict';
import { readdirSync, readFileSync, truncateSync, writeFileSync } from 'node:fs';
import { createRequire } from 'node:module';
import { constants } from 'node:os';
import fc from 'fast-check';

const native = createRequire(import.meta.url)('../../../native/build/Release/pptp_native.node');
const { GRE_IN, GRE_OUT } = process.env;
const { EAGAIN, EMSGSIZE, EPERM, ENETUNREACH, ENOBUFS, EINTR, ENOMEM } = constants.errno;
const HEADER = 20;

const open = (listen = 0, modulus = 1, residue = 0) => native.greOpen(listen, 1000, 500, modulus, residue);
const u32 = (value) => [value >>> 24, (value >>> 16) & 255, (value >>> 8) & 255, value & 255];

/** What went out since the last call: destination of the system call, header, payload. */
const sent = () => {
  const bytes = readFileSync(GRE_OUT);
  truncateSync(GRE_OUT);
  const packets = [];
  for (let at = 0; at < bytes.length; ) {
    const length = bytes.readUInt16LE(at);
    const to = [...bytes.subarray(at + 2, at + 6)];
    packets.push({
      to,
      header: [...bytes.subarray(at + 6, at + 26)],
      payload: [...bytes.subarray(at + 26, at + 6 + length)],
    });
    at += 6 + length;
  }
  return packets;
};

const record = (errno, bytes) => {
  const head = Buffer.alloc(4);
  head.writeUInt16LE(errno, 0);
  head.writeUInt16LE(bytes.length, 2);
  return Buffer.concat([head, Buffer.from(bytes)]);
};

/** A packet to send: the first octet of its payload is its fate. */
const outgoing = fc.record({
  fate: fc.constantFrom(0, 0, 0, 0, EMSGSIZE, EPERM, ENETUNREACH, ENOBUFS, EINTR, EAGAIN),
  length: fc.integer({ min: 1, max: 40 }),
  source: fc.nat(0xffffffff),
  destination: fc.nat(0xffffffff),
});

/** What the addon has to do with the packets in this order when it can name `room` refused ones. */
const sendModel = (packets, from, room) => {
  const failures = [];
  const accepted = [];
  let done = 0;
  for (const { fate, length, source, destination } of packets) {
    if (failures.length === 2 * room || fate === EAGAIN) break;
    if (fate === 0 || fate === EINTR) {
      const header = [0x45, 0, 0, 0, 0, 0, 0, 0, 64, 47, 0, 0, ...u32(source), ...u32(destination)];
      accepted.push({ to: u32(destination), header, payload: [fate, ...Array(length - 1).fill(done & 255)] });
    } else {
      failures.push(from + done, fate);
    }
    done += 1;
  }
  return { done, failures, accepted };
};

const SLOT = 64;

const sendsAsTheModel = (fd) => (packets, seed, skipped, room) => {
  // Slots in a shuffled order, and some positions in front that are not to be sent.
  const order = Int32Array.from(packets, (_, i) => (i * 7919 + seed) % packets.length);
  if (new Set(order).size !== packets.length) order.set(order.keys());
  const from = Math.min(skipped, packets.length);
  const slab = new Uint8Array(packets.length * SLOT);
  const offsets = Int32Array.from(packets, (_, i) => i * SLOT + (i % 20));
  const lengths = Int32Array.from(packets, ({ length }) => length);
  const wanted = [...order.subarray(from)].map((index) => packets[index]);
  order.subarray(from).forEach((index, done) => {
    slab.fill(done & 255, offsets[index], offsets[index] + lengths[index]);
    slab[offsets[index]] = packets[index].fate;
  });
  const before = slab.slice();
  const failures = new Int32Array(1 + 2 * room).fill(-1);
  const addresses = (name) => Uint32Array.from(packets, (packet) => packet[name]);
  const done = native.greSendBatch(
    fd,
    slab,
    offsets,
    lengths,
    order,
    addresses('source'),
    addresses('destination'),
    from,
    wanted.length,
    failures,
  );
  const model = sendModel(wanted, from, room);
  assert.equal(done, model.done);
  assert.equal(failures[0], model.failures.length / 2);
  assert.deepEqual([...failures.subarray(1, 1 + model.failures.length)], model.failures);
  assert.deepEqual(sent(), model.accepted);
  assert.deepEqual(slab, before);
};

/** What arrives: well-formed packets, damaged ones, any octets, and errors of the call. */
const wellFormed = fc
  .record({
    options: fc.integer({ min: 0, max: 3 }),
    payload: fc.uint8Array({ maxLength: 60 }),
    source: fc.nat(0xffffffff),
    destination: fc.nat(0xffffffff),
    padding: fc.integer({ min: 0, max: 6 }),
  })
  .map(({ options, payload, source, destination, padding }) => {
    const header = HEADER + 4 * options;
    const total = header + payload.length;
    const fixed = [0x45 + options, 0, 0, total, 0, 0, 0, 0, 64, 47, 0, 0, ...u32(source), ...u32(destination)];
    return { errno: 0, bytes: [...fixed, ...Array(4 * options).fill(1), ...payload, ...Array(padding).fill(0)] };
  });
const damaged = fc.tuple(wellFormed, fc.nat(40), fc.nat(3), fc.nat(255)).map(([{ bytes }, cut, at, value]) => ({
  errno: 0,
  bytes: bytes.with(at, value).slice(0, Math.max(0, bytes.length - cut)),
}));
const anything = fc.uint8Array({ maxLength: 200 }).map((bytes) => ({ errno: 0, bytes: [...bytes] }));
const trouble = fc.constantFrom(EINTR, EAGAIN, ENOMEM, ENOBUFS).map((errno) => ({ errno, bytes: [] }));
const arriving = fc.oneof({ weight: 6, arbitrary: wellFormed }, damaged, anything, trouble);

/** RFC 791 section 3.1, of the octets that the slot had room for. */
const parsed = (bytes, room) => {
  const held = bytes.slice(0, room);
  if (held.length === 0) return -1;
  if (held[0] >> 4 !== 4) return -2;
  if (held.length < HEADER) return -1;
  const header = (held[0] & 15) * 4;
  const total = (held[2] << 8) | held[3];
  if (header < HEADER || total < header) return -2;
  if (total > held.length) return -1;
  const number = (at) => ((held[at] << 24) | (held[at + 1] << 16) | (held[at + 2] << 8) | held[at + 3]) >>> 0;
  return { header, payload: held.slice(header, total), source: number(12), destination: number(16) };
};

/** Splits what arrives into calls, as recvmmsg in chunks of 64 does: packets first, then the error behind them. */
const receiveModel = (queue, max) => {
  const packets = [];
  while (packets.length < max && queue.length > 0) {
    const { errno, bytes } = queue[0];
    if (errno === 0) {
      packets.push(bytes);
      queue.shift();
      continue;
    }
    // An error behind packets of the same chunk waits for the next call.
    if (packets.length % 64 !== 0) break;
    queue.shift();
    if (errno === EINTR) continue;
    if (errno === EAGAIN || packets.length > 0) break;
    return { errno };
  }
  return { packets };
};

const receivesAsTheModel = (queue, max, start, slotSize, headroom) => {
  writeFileSync(GRE_IN, Buffer.concat(queue.map(({ errno, bytes }) => record(errno, bytes))));
  const { fd } = open();
  const slots = start + max + 1;
  const left = [...queue];
  for (let calls = 0; calls <= queue.length + 1; calls += 1) {
    const slab = new Uint8Array(slots * slotSize).fill(0xee);
    const arrays = [new Int32Array(slots).fill(-9), new Int32Array(slots).fill(-9)];
    const addresses = [new Uint32Array(slots).fill(9), new Uint32Array(slots).fill(9)];
    const dropped = new Uint32Array(1);
    const call = () =>
      native.greReceiveBatch(fd, slab, slotSize, headroom, ...arrays, ...addresses, max, start, dropped);
    const expected = receiveModel(left, max);
    if (expected.errno !== undefined) {
      assert.throws(call, (error) => constants.errno[error.code] === expected.errno);
      continue;
    }
    const count = call();
    assert.equal(count, expected.packets.length);
    assert.equal(dropped[0], count > 0 && count === max ? 4294967290 : 0);
    const front = headroom - HEADER;
    const untouched = slab.slice();
    for (let i = 0; i < slots; i += 1) {
      const bytes = i >= start ? expected.packets[i - start] : undefined;
      const outcome = bytes === undefined ? undefined : parsed(bytes, slotSize - front);
      const what = { length: arrays[1][i], source: addresses[0][i], destination: addresses[1][i] };
      if (outcome === undefined) assert.deepEqual(what, { length: -9, source: 9, destination: 9 });
      else if (typeof outcome === 'number') assert.deepEqual(what, { length: outcome, source: 0, destination: 0 });
      else {
        const { header, payload, source, destination } = outcome;
        assert.deepEqual(what, { length: payload.length, source, destination });
        assert.equal(arrays[0][i], i * slotSize + front + header);
        assert.deepEqual([...slab.subarray(arrays[0][i], arrays[0][i] + payload.length)], payload);
      }
      if (bytes !== undefined) untouched.fill(0xee, i * slotSize + front, (i + 1) * slotSize);
    }
    assert.ok(
      untouched.every((octet) => octet === 0xee),
      'nothing but the slots is written',
    );
  }
  assert.equal(left.length, 0);
  native.closeFd(fd);
};

const number = fc.oneof(
  { weight: 8, arbitrary: fc.nat(66) },
  fc.constantFrom(-1, 0.5, Number.NaN, 2 ** 31 - 1, 2 ** 31, 2 ** 32 - 1, 2 ** 32, 2 ** 53, Number.POSITIVE_INFINITY),
);
const detached = (array) => {
  structuredClone(array, { transfer: [array.buffer] });
  return array;
};
const shrunk = (Kind, length) => {
  const buffer = new ArrayBuffer(length * Kind.BYTES_PER_ELEMENT, { maxByteLength: length * Kind.BYTES_PER_ELEMENT });
  const view = new Kind(buffer);
  buffer.resize(Math.floor(length / 2) * Kind.BYTES_PER_ELEMENT);
  return view;
};
/** Arrays of any length: mostly their own memory, at times somebody else's, a part, gone or shrunk. */
const arrays = (Kind, element, maxLength) =>
  fc.tuple(fc.array(element, { maxLength, size: 'max' }), fc.integer({ min: 0, max: 9 })).map(([elements, form]) => {
    const array = Kind.from(elements);
    if (form === 0) return detached(array);
    if (form === 1) return shrunk(Kind, array.length);
    if (form === 2) return new Kind(new SharedArrayBuffer(array.byteLength));
    return form === 3 ? array.subarray(Math.floor(array.length / 2)) : array;
  });
const bytes = arrays(Uint8Array, fc.constantFrom(0, EMSGSIZE, EINTR, EAGAIN), 4000);
const small = fc.oneof({ weight: 30, arbitrary: fc.nat(66) }, fc.constantFrom(-1, 2 ** 31 - 1, -(2 ** 31)));
const int32s = arrays(Int32Array, small, 70);
const uint32s = arrays(Uint32Array, fc.nat(2 ** 32 - 1), 70);

const cases = {
  'sends what the kernel takes, names what it refuses, and stops where it has no room': () => {
    const { fd } = open();
    const packets = fc.array(outgoing, { maxLength: 200, size: 'max' });
    const room = fc.constantFrom(1, 2, 16, 300);
    fc.assert(fc.property(packets, fc.nat(1000), fc.nat(5), room, sendsAsTheModel(fd)), { numRuns: 300 });
    native.closeFd(fd);
  },

  'sends full chunks, and goes on behind them': () => {
    const { fd } = open();
    for (const count of [0, 1, 63, 64, 65, 128, 129, 200]) {
      for (const refused of [-1, 0, 62, 63, 64, 127]) {
        const packets = Array.from({ length: count }, (_, i) => ({
          fate: i === refused ? EMSGSIZE : 0,
          length: 8,
          source: i,
          destination: 0xffffffff - i,
        }));
        sendsAsTheModel(fd)(packets, 0, 0, 4);
      }
    }
    native.closeFd(fd);
  },

  'receives what is well-formed, names what is not, and nothing is lost behind an error': () => {
    const sizes = fc.constantFrom([256, 64], [100, 20], [64, 40], [48, 47]);
    const queue = fc.array(arriving, { maxLength: 150, size: 'max' });
    const property = (arrivals, max, start, [slotSize, headroom]) =>
      receivesAsTheModel(arrivals, max, start, slotSize, headroom);
    fc.assert(fc.property(queue, fc.constantFrom(1, 2, 64, 65, 150), fc.nat(3), sizes, property), { numRuns: 150 });
  },

  'reads nothing into no slots': () => {
    writeFileSync(GRE_IN, record(0, Array(20).fill(0x45)));
    const { fd } = open();
    const none = [new Int32Array(0), new Int32Array(0), new Uint32Array(0), new Uint32Array(0)];
    assert.equal(native.greReceiveBatch(fd, new Uint8Array(0), 64, 20, ...none, 0, 0, new Uint32Array(1)), 0);
    native.closeFd(fd);
  },

  'asks for limited buffers where the forced ones are refused, and reports what it got': () => {
    const { receiveBuffer, sendBuffer, fd } = native.greOpen(0x7f000001, 1000, 500, 1, 0);
    assert.deepEqual([receiveBuffer, sendBuffer], [2000, 1000]);
    native.closeFd(fd);
  },

  'names an address that the host lacks, and leaves nothing open': () => {
    const descriptors = () => readdirSync('/proc/self/fd').length;
    const before = descriptors();
    for (let i = 0; i < 50; i += 1) assert.throws(() => open(0xc0000201), { code: 'EADDRNOTAVAIL' });
    // GRE_OUT stays open from the first socket on.
    assert.equal(descriptors(), before + 1);
  },

  'has nothing of what came before the filter of a share, behind errors either': () => {
    const before = [record(0, [1, 2, 3]), record(ENOMEM, []), record(0, [4]), record(0, []), record(EINTR, [])];
    const wanted = [0x45, 0, 0, 24, 0, 0, 0, 0, 64, 47, 0, 0, ...u32(1), ...u32(2), 9, 8, 7, 6];
    writeFileSync(GRE_IN, Buffer.concat([...before, record(EAGAIN, []), record(0, wanted)]));
    const { fd } = open(0, 4, 3);
    const slots = [new Int32Array(2), new Int32Array(2), new Uint32Array(2), new Uint32Array(2)];
    const slab = new Uint8Array(2 * SLOT);
    assert.equal(native.greReceiveBatch(fd, slab, SLOT, HEADER, ...slots, 2, 0, new Uint32Array(1)), 1);
    assert.deepEqual([...slab.subarray(slots[0][0], slots[0][0] + slots[1][0])], [9, 8, 7, 6]);
    native.closeFd(fd);
  },

  'does not open a share whose filter is refused, and leaves nothing open': () => {
    const descriptors = () => readdirSync('/proc/self/fd').length;
    native.closeFd(open(0, 2, 1).fd);
    const before = descriptors();
    // The first filter takes nothing, the second the share.
    for (const number of [3, 4, 6]) {
      process.env.GRE_FILTER_FAULT = String(number);
      if (number === 4) native.closeFd(open(0, 1, 0).fd);
      assert.throws(() => open(0, 2, 1), { code: 'ENOMEM' });
    }
    assert.equal(descriptors(), before);
  },

  'refuses a share that is none': () => {
    for (const [modulus, residue] of [
      [0, 0],
      [1, 1],
      [3, 3],
      [65536, 0],
      [-1, 0],
      [2, -1],
      [2.5, 0],
    ]) {
      assert.throws(() => open(0, modulus, residue), { code: 'EINVAL' });
    }
  },

  'passes on that a raw socket is not permitted': () => {
    process.env.GRE_DENIED = String(EPERM);
    assert.throws(() => open(), { code: 'EPERM' });
  },

  'throws EBADF only when nothing was sent': () => {
    const one = [new Int32Array(1), Int32Array.of(1), Int32Array.of(0), new Uint32Array(1), new Uint32Array(1)];
    const send = (count) => native.greSendBatch(2 ** 30, new Uint8Array(4), ...one, 0, count, new Int32Array(3));
    assert.throws(() => send(1), { code: 'EBADF' });
    assert.equal(send(0), 0);
  },

  'takes any arguments with a result or a named error, and writes only where it may': () => {
    const { fd } = open();
    const send = (...rest) => native.greSendBatch(fd, ...rest);
    const receive = (...rest) => native.greReceiveBatch(fd, ...rest);
    const attempt = (call, args, most) => {
      try {
        const done = call(...args);
        assert.ok(Number.isInteger(done) && done >= 0 && done <= most, `result ${done}`);
      } catch (error) {
        if (!(error instanceof Error) || typeof error.code !== 'string') throw error;
        assert.match(error.code, /^(EINVAL|EBADF)$/);
      }
      truncateSync(GRE_OUT);
    };
    const sends = fc.tuple(bytes, int32s, int32s, int32s, uint32s, uint32s, number, number, int32s);
    fc.assert(
      fc.property(sends, (args) => attempt(send, args, 200)),
      { numRuns: 1000 },
    );
    const any = fc.tuple(...Array.from({ length: 10 }, () => fc.oneof(fc.anything(), bytes, int32s, uint32s, number)));
    fc.assert(
      fc.property(any, (args) => attempt(send, args, 200)),
      { numRuns: 1000 },
    );
    writeFileSync(GRE_IN, Buffer.concat(Array.from({ length: 500 }, () => record(0, Array(40).fill(0x45)))));
    const receives = fc.tuple(bytes, number, number, int32s, int32s, uint32s, uint32s, number, number, uint32s);
    fc.assert(
      fc.property(receives, (args) => attempt(receive, args, 200)),
      { numRuns: 1000 },
    );
    fc.assert(
      fc.property(any, (args) => attempt(receive, args, 200)),
      { numRuns: 1000 },
    );
    const opens = fc.array(fc.oneof(fc.anything(), number), { maxLength: 6 });
    fc.assert(
      fc.property(opens, (args) => {
        try {
          native.closeFd(native.greOpen(...args).fd);
        } catch (error) {
          assert.match(String(error.code), /^(EINVAL|EADDRNOTAVAIL)$/);
        }
      }),
      { numRuns: 1000 },
    );
  },
};

const chosen = process.argv[2];
if (chosen === undefined) console.log(JSON.stringify(Object.keys(cases)));
else {
  assert.ok(Object.hasOwn(cases, chosen), `no case "${chosen}"`);
  cases[chosen]();
  console.log(`passed: ${chosen}`);
}
