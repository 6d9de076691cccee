import { describe, expect, test } from 'vitest';
import { toHex } from '../../../../core/bytes/hex.ts';
import { MppeSessionKey } from '../../../../core/crypto/mppe-keys.ts';
import { rc4 } from '../../../../core/crypto/rc4.ts';
import { type MppeOptions, MppeReceiver, MppeSender, type MppeVerdict } from '../../../../core/datapath/mppe-engine.ts';

const MASTER = Uint8Array.from({ length: 16 }, (_, i) => 0x30 + i);
const STATELESS: MppeOptions = { strength: 128, stateless: true };
const STATEFUL: MppeOptions = { strength: 128, stateless: false };
const plainOf = (n: number): Uint8Array => Uint8Array.of(0x00, 0x21, 0x45, n >> 8, n & 0xff, 1, 2, 3);

/** A sender whose datagrams are kept as octets, header included. */
const sending = (options: MppeOptions) => {
  const sender = new MppeSender(MASTER, options);
  let next = 0;
  const send = (): Uint8Array => {
    const plain = plainOf(next);
    next += 1;
    const slab = new Uint8Array(2 + plain.length);
    slab.set(plain, 2);
    sender.encrypt(slab, 2, plain.length);
    return slab;
  };
  const many = (count: number): Uint8Array[] => Array.from({ length: count }, send);
  return { sender, send, many };
};

/** Decrypts a copy: the number in the packet, or the verdict. */
const receive = (receiver: MppeReceiver, datagram: Uint8Array): number | MppeVerdict | 'garbage' => {
  const slab = datagram.slice();
  const verdict = receiver.decrypt(slab, 0, slab.length);
  if (verdict !== 'decrypted') return verdict;
  const n = ((slab[5] ?? 0) << 8) | (slab[6] ?? 0);
  return toHex(slab.subarray(2)) === toHex(plainOf(n)) ? n : 'garbage';
};

const countOf = (datagram: Uint8Array | undefined): number => (((datagram?.[0] ?? 0) & 15) << 8) | (datagram?.[1] ?? 0);
const bitsOf = (datagram: Uint8Array | undefined): number => (datagram?.[0] ?? 0) >> 4;

describe.each([40, 56, 128] as const)('stateless, %i bits', (strength) => {
  const options = { strength, stateless: true };

  test('every packet is FLUSHED and encrypted; counts run from 0 round 4096', () => {
    const packets = sending(options).many(4100);
    expect(new Set(packets.map(bitsOf))).toEqual(new Set([9]));
    expect(packets.map(countOf)).toEqual(Array.from({ length: 4100 }, (_, i) => i % 4096));
    const receiver = new MppeReceiver(MASTER, options);
    expect(packets.map((packet) => receive(receiver, packet))).toEqual(packets.map((_, i) => i));
  });

  test('up to 2048 lost packets are made up for by key changes', () => {
    const packets = sending(options).many(2100);
    const receiver = new MppeReceiver(MASTER, options);
    expect(receive(receiver, packets[0] ?? new Uint8Array())).toBe(0);
    expect(receive(receiver, packets[4] ?? new Uint8Array())).toBe(4);
    expect(receive(receiver, packets[5 + 2048] ?? new Uint8Array())).toBe(5 + 2048);
    expect(receive(receiver, packets[6 + 2048] ?? new Uint8Array())).toBe(6 + 2048);
  });
});

describe('stateless receiver', () => {
  test('late and duplicate packets are dropped and change nothing', () => {
    const [a, b, c, d] = sending(STATELESS).many(4);
    const receiver = new MppeReceiver(MASTER, STATELESS);
    const verdicts = [a, c, b, c, a, d].map((packet) => receive(receiver, packet ?? new Uint8Array()));
    expect(verdicts).toEqual([0, 2, 'late', 'late', 'late', 3]);
  });

  test('misshapen packets are named and leave the octets and the key alone', () => {
    const [a, b] = sending(STATELESS).many(2);
    const receiver = new MppeReceiver(MASTER, STATELESS);
    expect(receive(receiver, a ?? new Uint8Array())).toBe(0);
    const wrong = (first: number): Uint8Array => Uint8Array.of(first, 1, ...(b ?? []).slice(2));
    for (const [octets, verdict] of [
      [Uint8Array.of(), 'truncated'],
      [Uint8Array.of(0x90), 'truncated'],
      [Uint8Array.of(0x90, 0x01), 'truncated'],
      [wrong(0x80), 'unencrypted'],
      [wrong(0x00), 'unencrypted'],
      [wrong(0x10), 'malformed'],
    ] as const) {
      const slab = octets.slice();
      expect(receiver.decrypt(slab, 0, slab.length)).toBe(verdict);
      expect(slab).toEqual(octets);
    }
    expect(receive(receiver, b ?? new Uint8Array())).toBe(1);
  });

  test('a forged count far ahead is forgotten once the caller calls it garbage', () => {
    const [a, b] = sending(STATELESS).many(2);
    const receiver = new MppeReceiver(MASTER, STATELESS);
    expect(receive(receiver, a ?? new Uint8Array())).toBe(0);
    receiver.accepted();
    expect(receive(receiver, Uint8Array.of(0x97, 0x00, 9, 9, 9, 9))).toBe('garbage');
    expect(receiver.rejected()).toBe(1);
    expect(receive(receiver, Uint8Array.of(0x95, 0x00, 9, 9, 9, 9))).toBe('garbage');
    expect(receiver.rejected()).toBe(2);
    expect(receive(receiver, b ?? new Uint8Array())).toBe(1);
    receiver.accepted();
    expect(receive(receiver, Uint8Array.of(0x90, 0x09, 9, 9, 9, 9))).toBe('garbage');
    expect(receiver.rejected()).toBe(1);
  });
});

describe.each([
  ['as RFC 3078 says', STATEFUL],
  ['40 bits', { strength: 40, stateless: false }],
  ['as Linux does', { ...STATEFUL, resetChangesKey: true }],
] as const)('stateful, %s', (_name, options) => {
  test('one stream; only flag packets are FLUSHED', () => {
    const packets = sending(options).many(5000);
    expect(packets.map(bitsOf)).toEqual(packets.map((_, i) => (i % 256 === 255 ? 9 : 1)));
    const receiver = new MppeReceiver(MASTER, options);
    expect(packets.map((packet) => receive(receiver, packet))).toEqual(packets.map((_, i) => i));
  });

  test.each([1, 200, 256, 257, 700, 2000])('after %i lost packets one Reset-Request puts it right', (lost) => {
    const { sender, send, many } = sending(options);
    const receiver = new MppeReceiver(MASTER, options);
    for (const packet of many(100)) expect(receive(receiver, packet)).toBeTypeOf('number');
    many(lost);
    // A flag packet is FLUSHED by itself and mends the stream without being asked.
    const next = send();
    if (bitsOf(next) === 9) {
      expect(receive(receiver, next)).toBe(100 + lost);
      return;
    }
    expect(receive(receiver, next)).toBe('reset-needed');
    expect(receive(receiver, send())).toBe('decrypt-failed');
    sender.flushNext();
    const flushed = send();
    expect(bitsOf(flushed)).toBe(9);
    expect(receive(receiver, flushed)).toBe(102 + lost);
    const following = send();
    expect(bitsOf(following)).toBe(1);
    expect(receive(receiver, following)).toBe(103 + lost);
  });

  test('a reset that falls on a flag packet changes the key once', () => {
    const { sender, send, many } = sending(options);
    const receiver = new MppeReceiver(MASTER, options);
    for (const packet of many(253)) receive(receiver, packet);
    send();
    expect(receive(receiver, send())).toBe('reset-needed');
    sender.flushNext();
    expect([send(), send()].map((packet) => receive(receiver, packet))).toEqual([255, 256]);
  });

  test('late packets do not ask for a reset', () => {
    const [a, b] = sending(options).many(2);
    const receiver = new MppeReceiver(MASTER, options);
    expect([a, b, a].map((packet) => receive(receiver, packet ?? new Uint8Array()))).toEqual([0, 1, 'late']);
  });
});

describe('stateful receiver', () => {
  test('asks again while nothing FLUSHED comes', () => {
    const packets = sending(STATEFUL).many(70);
    const receiver = new MppeReceiver(MASTER, STATEFUL);
    const verdicts = packets.slice(1).map((packet) => receive(receiver, packet));
    expect(verdicts.flatMap((verdict, at) => (verdict === 'reset-needed' ? [at] : []))).toEqual([0, 32, 64]);
    expect(new Set(verdicts)).toEqual(new Set(['reset-needed', 'decrypt-failed']));
  });

  test('accepts a first packet that is FLUSHED', () => {
    const { sender, send } = sending(STATEFUL);
    sender.flushNext();
    expect(receive(new MppeReceiver(MASTER, STATEFUL), send())).toBe(0);
  });

  test('section 8.2: a reset starts the tables over with the same session key; Linux changes the key first', () => {
    const secondAfterReset = (resetChangesKey: boolean): Uint8Array => {
      const { sender, send } = sending({ ...STATEFUL, resetChangesKey });
      send();
      sender.flushNext();
      return send().subarray(2);
    };
    const session = new MppeSessionKey(MASTER, 128);
    expect(secondAfterReset(false)).toEqual(rc4(session.key, plainOf(1)));
    session.change();
    expect(secondAfterReset(true)).toEqual(rc4(session.key, plainOf(1)));
  });
});

test('a restored key goes on as the one that was saved', () => {
  const key = new MppeSessionKey(MASTER, 128);
  const saved = key.key.slice();
  key.change();
  const once = key.key.slice();
  key.restore(saved);
  key.change();
  expect(key.key).toEqual(once);
});
