import { describe, expect, test } from 'vitest';
import { MppeReceiver } from '../../../core/datapath/mppe-receiver.ts';
import { MppeSender } from '../../../core/datapath/mppe-sender.ts';
import { MASTER, ModelReceiver, ModelSender, openNumber, plainOf, seal } from '../../support/mppe-models.ts';

const STATEFUL = { strength: 128, stateless: false } as const;
const STATELESS = { strength: 128, stateless: true } as const;
const countOf = (datagram: Uint8Array): number => (((datagram[0] ?? 0) & 15) << 8) | (datagram[1] ?? 0);
const isFlushed = (datagram: Uint8Array): boolean => ((datagram[0] ?? 0) & 0x80) !== 0;

describe('7.2 the sender changes its key before any packet whose count ends in FF, and the receiver with it', () => {
  test('over two cycles of the count, both ways with a peer written after the text', () => {
    const sender = new MppeSender(MASTER, STATEFUL);
    const receiver = new MppeReceiver(MASTER, STATEFUL);
    const peerReceiver = new ModelReceiver(128, 'rfc');
    const peerSender = new ModelSender(128, 'rfc');
    for (let n = 0; n < 8_192; n += 1) {
      const datagram = seal(sender, plainOf(n));
      if (countOf(datagram) !== n % 4096) throw new Error(`count of packet ${n}`);
      expect(peerReceiver.receive(datagram)).toEqual(plainOf(n));
      expect(openNumber(receiver, peerSender.send(plainOf(n)))).toBe(n);
    }
  });
});

describe('8.1 stateless synchronisation', () => {
  test('N = C1 - C2 key changes before decrypting: C1 = 5 after C2 = 2', () => {
    const sender = new MppeSender(MASTER, STATELESS);
    const packets = Array.from({ length: 6 }, (_, n) => seal(sender, plainOf(n)));
    const receiver = new MppeReceiver(MASTER, STATELESS);
    expect([0, 1, 2, 5].map((n) => openNumber(receiver, packets[n]))).toEqual([0, 1, 2, 5]);
  });

  test('no Reset-Request is ever asked for', () => {
    const receiver = new MppeReceiver(MASTER, STATELESS);
    const sender = new MppeSender(MASTER, STATELESS);
    for (let n = 0; n < 600; n += 1) {
      const datagram = seal(sender, plainOf(n));
      if (n % 7 !== 0) expect(openNumber(receiver, datagram)).toBe(n);
    }
    expect(openNumber(receiver, Uint8Array.of(0x9f, 0, 1, 2, 3, 4, 5, 6, 7, 8))).toMatch(/^(late|garbage)$/);
    expect(receiver.asksForReset(0)).toBe(false);
  });
});

describe('8.2 stateful synchronisation', () => {
  test('a receiver that finds a packet missing drops, asks once, and discards silently until FLUSHED', () => {
    const peer = new ModelSender(128, 'rfc');
    const receiver = new MppeReceiver(MASTER, STATEFUL);
    expect(openNumber(receiver, peer.send(plainOf(0)))).toBe(0);
    peer.send(plainOf(1));
    expect([2, 3, 4].map((n) => openNumber(receiver, peer.send(plainOf(n))))).toEqual([
      'reset-needed',
      'decrypt-failed',
      'decrypt-failed',
    ]);
    peer.flushNext();
    expect([5, 6].map((n) => openNumber(receiver, peer.send(plainOf(n))))).toEqual([5, 6]);
  });

  test.each([254, 255, 256, 300, 511, 512, 1_000])('the flag packets among %i lost ones are made up for', (lost) => {
    const peer = new ModelSender(128, 'rfc');
    const receiver = new MppeReceiver(MASTER, STATEFUL);
    for (let n = 0; n < 5; n += 1) expect(openNumber(receiver, peer.send(plainOf(n)))).toBe(n);
    for (let n = 0; n < lost; n += 1) peer.send(plainOf(n));
    peer.flushNext();
    expect([1, 2].map((n) => openNumber(receiver, peer.send(plainOf(n))))).toEqual([1, 2]);
  });

  test('a sender that is asked sets FLUSHED in the next packet, and in that alone', () => {
    const sender = new MppeSender(MASTER, STATEFUL);
    seal(sender, plainOf(0));
    sender.flushNext();
    sender.flushNext();
    expect([1, 2, 3].map((n) => isFlushed(seal(sender, plainOf(n))))).toEqual([true, false, false]);
  });
});
