import { describe, expect, test } from 'vitest';
import { MppeSessionKey } from '../../../../core/crypto/mppe-keys.ts';
import { type MppeOptions, MppeSender } from '../../../../core/datapath/mppe-sender.ts';
import { MASTER, ModelReceiver, plainOf, type ResetHabit, seal } from '../../../support/mppe-models.ts';

const STATEFUL: MppeOptions = { strength: 128, stateless: false };
const bitsOf = (datagram: Uint8Array): number => (datagram[0] ?? 0) >> 4;
const countOf = (datagram: Uint8Array): number => (((datagram[0] ?? 0) & 15) << 8) | (datagram[1] ?? 0);
const sending = (options: MppeOptions) => {
  const sender = new MppeSender(MASTER, options);
  let next = 0;
  const send = (): Uint8Array => {
    next += 1;
    return seal(sender, plainOf(next - 1));
  };
  return { sender, send, many: (count: number) => Array.from({ length: count }, send) };
};

describe('the header', () => {
  test.each([40, 56, 128] as const)(
    'stateless, %i bits: every packet is FLUSHED and encrypted; counts run from 0 round 4096',
    (strength) => {
      const packets = sending({ strength, stateless: true }).many(4100);
      expect(new Set(packets.map(bitsOf))).toEqual(new Set([0x9]));
      expect(packets.map(countOf)).toEqual(Array.from({ length: 4100 }, (_, i) => i % 4096));
    },
  );

  test('stateful: one stream; only flag packets are FLUSHED', () => {
    const packets = sending(STATEFUL).many(5000);
    expect(packets.map(bitsOf)).toEqual(packets.map((_, i) => (i % 256 === 255 ? 9 : 1)));
  });

  test('MPPC alone is not encrypted: A and B on the first packet only, or on every one when stateless', () => {
    const plain = new Uint8Array(100).fill(0x61);
    const heads = (stateless: boolean): number[] => {
      const sender = new MppeSender(undefined, { strength: undefined, stateless, compression: true });
      return Array.from({ length: 3 }, () => bitsOf(seal(sender, plain)));
    };
    expect(heads(true)).toEqual([0xe, 0xe, 0xe]);
    expect(heads(false)).toEqual([0x6, 0x2, 0x2]);
  });
});

describe('a Reset-Request', () => {
  test('is answered with the next flag packet, which changes the key, whatever came before', () => {
    const { sender, send, many } = sending(STATEFUL);
    many(10);
    sender.flushNext();
    const [flushed, following] = [send(), send()];
    expect([bitsOf(flushed), countOf(flushed)]).toEqual([9, 255]);
    expect([bitsOf(following), countOf(following)]).toEqual([1, 256]);
  });

  test('never makes two packets of the same key stream', () => {
    const { sender, send } = sending(STATEFUL);
    const plain = plainOf(0);
    const starts = new Set<string>();
    for (let i = 0; i < 40; i += 1) {
      sender.flushNext();
      // Equal octets would be encrypted to equal ones.
      starts.add(
        send()
          .subarray(2, plain.length - 10)
          .join(),
      );
    }
    expect(starts.size).toBe(40);
  });

  test('in stateless mode changes nothing', () => {
    const [a, b] = [sending({ strength: 128, stateless: true }), sending({ strength: 128, stateless: true })];
    a.sender.flushNext();
    expect(a.many(3)).toEqual(b.many(3));
  });

  test.each(['rfc', 'linux'] as const)(
    'puts a receiver of the %s habit right, though FLUSHED packets are lost',
    (habit: ResetHabit) => {
      for (const lostResets of [0, 1, 2, 5]) {
        const { sender, send } = sending(STATEFUL);
        const receiver = new ModelReceiver(128, habit);
        for (let i = 0; i < 300; i += 1) expect(receiver.receive(send())).toEqual(plainOf(i));
        send();
        expect(receiver.receive(send())).toBe('lost');
        for (let i = 0; i < lostResets; i += 1) {
          sender.flushNext();
          send();
          send();
        }
        sender.flushNext();
        const from = 302 + 2 * lostResets;
        for (let i = 0; i < 600; i += 1) expect(receiver.receive(send())).toEqual(plainOf(from + i));
      }
    },
  );
});

describe('MPPC with stateful MPPE', () => {
  const soft = new Uint8Array(200).fill(0x61);
  const hard = Uint8Array.from({ length: 200 }, (_, i) => 0x80 | ((i * 37) ^ (i >> 3)));

  test('goes on after an incompressible packet with the next flag packet, so that no key stream repeats', () => {
    const sender = new MppeSender(MASTER, { ...STATEFUL, compression: true });
    const heads = [soft, hard, soft, soft].map((plain) => bitsOf(seal(sender, plain)));
    expect(heads).toEqual([0x7, 0x1, 0x1, 0x1]);
    const more = Array.from({ length: 256 }, () => seal(sender, soft));
    expect(more.map(bitsOf)).toEqual(more.map((one) => (countOf(one) < 255 ? 0x1 : countOf(one) === 255 ? 0xf : 0x3)));
  });

  test('without encryption, with the next compressed packet, which carries A', () => {
    const sender = new MppeSender(undefined, { strength: undefined, stateless: false, compression: true });
    expect([soft, soft, hard, soft, soft, soft].map((plain) => bitsOf(seal(sender, plain)))).toEqual([
      0x6, 0x2, 0x0, 0x0, 0xe, 0x2,
    ]);
  });

  test('a Reset-Request empties the history', () => {
    const sender = new MppeSender(MASTER, { ...STATEFUL, compression: true });
    const first = seal(sender, soft);
    expect(seal(sender, soft).length).toBeLessThan(first.length);
    sender.flushNext();
    const flushed = seal(sender, soft);
    expect([bitsOf(flushed), flushed.length]).toEqual([0xf, first.length]);
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
