import { describe, expect, test } from 'vitest';
import { MppeReceiver } from '../../../../core/datapath/mppe-receiver.ts';
import { type MppeOptions, MppeSender } from '../../../../core/datapath/mppe-sender.ts';
import { MASTER, ModelSender, openNumber, plainOf, seal } from '../../../support/mppe-models.ts';

const STATELESS: MppeOptions = { strength: 128, stateless: true };
const STATEFUL: MppeOptions = { strength: 128, stateless: false };

const sending = (options: MppeOptions) => {
  const sender = new MppeSender(MASTER, options);
  let next = 0;
  const send = (): Uint8Array => {
    next += 1;
    return seal(sender, plainOf(next - 1));
  };
  return { sender, send, many: (count: number) => Array.from({ length: count }, send) };
};
const forged = (count: number, bits = 0x9): Uint8Array =>
  Uint8Array.of((bits << 4) | (count >> 8), count & 255, ...Array.from({ length: 60 }, (_, i) => i * 7));

describe.each([40, 56, 128] as const)('stateless, %i bits', (strength) => {
  test('takes what the sender sends, and makes up for up to 2048 lost packets by key changes', () => {
    const options = { strength, stateless: true };
    const packets = sending(options).many(2100);
    const receiver = new MppeReceiver(MASTER, options);
    for (const n of [0, 4, 5, 6 + 2048, 7 + 2048]) expect(openNumber(receiver, packets[n])).toBe(n);
  });
});

describe('stateless', () => {
  test('late and duplicate packets are dropped and change nothing', () => {
    const [a, b, c, d] = sending(STATELESS).many(4);
    const receiver = new MppeReceiver(MASTER, STATELESS);
    expect([a, c, b, c, a, d].map((packet) => openNumber(receiver, packet))).toEqual([0, 2, 'late', 'late', 'late', 3]);
  });

  test('misshapen packets are named and leave the key alone', () => {
    const [a, b] = sending(STATELESS).many(2);
    const receiver = new MppeReceiver(MASTER, STATELESS);
    expect(openNumber(receiver, a)).toBe(0);
    const wrong = (first: number): Uint8Array => Uint8Array.of(first, 1, ...(b ?? []).slice(2));
    for (const [octets, verdict] of [
      [Uint8Array.of(), 'truncated'],
      [Uint8Array.of(0x90), 'truncated'],
      [Uint8Array.of(0x90, 0x01), 'truncated'],
      [wrong(0x80), 'unencrypted'],
      [wrong(0x00), 'unencrypted'],
      [wrong(0x10), 'malformed'],
    ] as const) {
      expect(openNumber(receiver, octets)).toBe(verdict);
    }
    expect(openNumber(receiver, b)).toBe(1);
  });

  test.each([2_049, 3_000, 4_096, 4_097, 5_000, 20_000, 60_000])(
    'recovers after %i lost packets, when GRE numbers say how many there were',
    (lost) => {
      const { many, send } = sending(STATELESS);
      const receiver = new MppeReceiver(MASTER, STATELESS);
      for (const [n, packet] of many(10).entries()) expect(openNumber(receiver, packet, { sequence: n })).toBe(n);
      many(lost);
      // Control frames took some of the GRE numbers.
      const [start, results]: [number, (number | string)[]] = [10 + lost + 3, []];
      for (let i = 0; i < 400; i += 1) results.push(openNumber(receiver, send(), { sequence: start + i, now: 10 * i }));
      const first = results.findIndex((result) => typeof result === 'number');
      expect(results.slice(0, first).every((result) => result === 'decrypt-failed')).toBe(true);
      expect(first).toBeLessThan(lost < 16_384 ? 2 : 350);
      expect(results.slice(first)).toEqual(results.slice(first).map((_, i) => 10 + lost + first + i));
    },
  );

  test('forged packets cannot lead the key away, nor keep the process busy', () => {
    const { send } = sending(STATELESS);
    const receiver = new MppeReceiver(MASTER, STATELESS);
    let sequence = 0;
    for (let i = 0; i < 50; i += 1) {
      expect(openNumber(receiver, send(), { sequence, now: i })).toBe(i);
      for (let j = 0; j < 20; j += 1) {
        const verdict = openNumber(receiver, forged((i * 97 + j * 211) & 0xfff), {
          sequence: sequence + 100_000,
          now: i,
        });
        expect(['garbage', 'decrypt-failed']).toContain(verdict);
        sequence += 1;
      }
      sequence += 1;
    }
  });

  test('the packets of a forger cost no more key changes in a second than a budget', () => {
    const receiver = new MppeReceiver(MASTER, STATELESS);
    let tried = 0;
    for (let i = 0; i < 1_000; i += 1) {
      // 1,000 lost packets each, if it were true.
      if (openNumber(receiver, forged(1_000), { now: i }) === 'garbage') tried += 1;
    }
    expect(tried).toBeLessThanOrEqual((16_384 + 20_000) / 1_000 + 1);
    expect(tried).toBeGreaterThan(10);
  });

  test('a peer whose packets are no IP is believed when GRE numbers agree', () => {
    const sender = new MppeSender(MASTER, STATELESS);
    const receiver = new MppeReceiver(MASTER, STATELESS);
    const other = Uint8Array.of(0x00, 0x2b, 1, 2, 3, 4);
    const slab = new Uint8Array(8);
    for (let sequence = 0; sequence < 9_000; sequence += 1) {
      slab.set(other, 2);
      sender.encrypt(slab, 2, other.length);
      if (sequence % 3 === 1) continue;
      expect(receiver.decrypt(slab, 0, 8, sequence)).toBe('decrypted');
      expect(slab.subarray(2)).toEqual(other);
    }
  });
});

describe('stateful', () => {
  test('asks for a reset at the first gap, then every half second while nothing FLUSHED comes', () => {
    const packets = sending(STATEFUL).many(30);
    const receiver = new MppeReceiver(MASTER, STATEFUL);
    const verdicts = packets.slice(1).map((packet, i) => openNumber(receiver, packet, { now: 100 * i }));
    expect(verdicts.flatMap((verdict, at) => (verdict === 'reset-needed' ? [at] : []))).toEqual([0, 5, 10, 15, 20, 25]);
    expect(new Set(verdicts)).toEqual(new Set(['reset-needed', 'decrypt-failed']));
  });

  test('late packets do not ask for a reset', () => {
    const [a, b] = sending(STATEFUL).many(2);
    const receiver = new MppeReceiver(MASTER, STATEFUL);
    expect([a, b, a].map((packet) => openNumber(receiver, packet))).toEqual([0, 1, 'late']);
  });

  test('garbage breaks the stream: a reset puts it right', () => {
    const { sender, send } = sending(STATEFUL);
    const receiver = new MppeReceiver(MASTER, STATEFUL);
    expect(openNumber(receiver, send())).toBe(0);
    expect(openNumber(receiver, forged(1, 0x1))).toBe('garbage');
    expect(receiver.asksForReset(0)).toBe(true);
    expect(receiver.asksForReset(499)).toBe(false);
    expect(openNumber(receiver, send(), { now: 1 })).toBe('decrypt-failed');
    sender.flushNext();
    expect([send(), send()].map((packet) => openNumber(receiver, packet))).toEqual([2, 3]);
    expect(receiver.asksForReset(10_000)).toBe(false);
  });

  test('a forged FLUSHED packet is not believed', () => {
    const { send, many } = sending(STATEFUL);
    const receiver = new MppeReceiver(MASTER, STATEFUL);
    for (const [n, packet] of many(20).entries()) expect(openNumber(receiver, packet)).toBe(n);
    expect(openNumber(receiver, forged(900))).toBe('garbage');
    for (let i = 20; i < 255; i += 1) expect(openNumber(receiver, send())).toMatch(/^(reset-needed|decrypt-failed)$/);
    expect(openNumber(receiver, send())).toBe(255);
  });

  test.each([
    ['our own', 'ours'],
    ['RFC 3078', 'rfc'],
    ['Linux', 'linux'],
  ] as const)('a sender of the habit of %s is followed, though its FLUSHED packets are lost', (_name, habit) => {
    for (const strength of [40, 128] as const) {
      for (const lost of [1, 200, 256, 257, 700, 2_000]) {
        for (const lostResets of [0, 1, 3]) {
          const model = habit === 'ours' ? undefined : new ModelSender(strength, habit);
          const ours = new MppeSender(MASTER, { strength, stateless: false });
          let next = 0;
          const send = (): Uint8Array => {
            next += 1;
            return model === undefined ? seal(ours, plainOf(next - 1)) : model.send(plainOf(next - 1));
          };
          const flush = (): void => (model === undefined ? ours.flushNext() : model.flushNext());
          const receiver = new MppeReceiver(MASTER, { strength, stateless: false });
          const follow = (count: number): void => {
            const [first, got]: [number, unknown[]] = [next, []];
            for (let i = 0; i < count; i += 1) got.push(openNumber(receiver, send()));
            expect(got).toEqual(got.map((_, i) => first + i));
          };
          follow(100);
          for (let i = 0; i < lost; i += 1) send();
          let now = 0;
          let verdict = openNumber(receiver, send(), { now });
          for (let i = 0; i < lostResets && typeof verdict === 'string'; i += 1) {
            expect(verdict).toBe('reset-needed');
            flush();
            send();
            now += 500;
            verdict = openNumber(receiver, send(), { now });
          }
          // A flag packet of Linux or ours mends the stream unasked.
          if (typeof verdict === 'string') flush();
          follow(300);
        }
      }
    }
  });

  test.each([5_000, 20_000])('recovers after %i lost packets, when GRE numbers say how many there were', (lost) => {
    const sender = new ModelSender(128, 'rfc');
    const receiver = new MppeReceiver(MASTER, STATEFUL);
    let sequence = -1;
    const send = (): number | string => {
      sequence += 1;
      return openNumber(receiver, sender.send(plainOf(sequence)), { sequence, now: sequence });
    };
    expect(send()).toBe(0);
    for (; sequence < lost; sequence += 1) sender.send(plainOf(sequence));
    expect(send()).toBe('reset-needed');
    sender.flushNext();
    expect([send(), send()]).toEqual([lost + 2, lost + 3]);
  });
});

describe('with MPPC', () => {
  test.each([
    ['MPPC', { strength: undefined, stateless: true, compression: true }],
    ['MPPC stateful', { strength: undefined, stateless: false, compression: true }],
    ['MPPE and MPPC', { strength: 128, stateless: true, compression: true }],
    ['MPPE and MPPC stateful', { strength: 128, stateless: false, compression: true }],
  ] as const)('%s: what goes in comes out, after a loss and a reset too', (_name, options) => {
    const sender = new MppeSender(MASTER, options);
    const receiver = new MppeReceiver(MASTER, options);
    const filler = new Uint8Array(1_200).fill(0x20);
    let next = 0;
    const send = (): Uint8Array => {
      next += 1;
      return seal(sender, plainOf(next - 1, filler));
    };
    for (let i = 0; i < 40; i += 1) expect(openNumber(receiver, send())).toBe(i);
    send();
    if (!options.stateless) {
      expect(openNumber(receiver, send())).toBe('reset-needed');
      sender.flushNext();
    }
    for (let i = next; i < 700; i += 1) expect(openNumber(receiver, send())).toBe(i);
  });

  test('bit C means nothing where only MPPE was agreed on', () => {
    const [packet] = sending(STATELESS).many(1);
    if (packet !== undefined) packet[0] = (packet[0] ?? 0) | 0x60;
    expect(openNumber(new MppeReceiver(MASTER, STATELESS), packet)).toBe(0);
  });

  test('what cannot be decompressed is garbage and asks for a reset', () => {
    const options = { strength: undefined, stateless: false, compression: true };
    const receiver = new MppeReceiver(undefined, options);
    expect(openNumber(receiver, Uint8Array.of(0xe0, 0, 0xff, 0xff))).toBe('garbage');
    expect(receiver.asksForReset(0)).toBe(true);
    const slab = Uint8Array.of(0xa0, 0, 0x21, 0x45, 1);
    expect(receiver.decrypt(slab, 0, 5, -1, 0, 5)).toBe('decrypted');
    expect(openNumber(receiver, Uint8Array.of(0x90, 1, 1, 2, 3))).toBe('malformed');
  });

  test('what would not fit the place is garbage', () => {
    const receiver = new MppeReceiver(undefined, { strength: undefined, stateless: true, compression: true });
    const sender = new MppeSender(undefined, { strength: undefined, stateless: true, compression: true });
    const datagram = seal(sender, plainOf(0, new Uint8Array(1_000)));
    const slab = new Uint8Array(1_000);
    slab.set(datagram);
    expect(receiver.decrypt(slab, 0, datagram.length, -1, 0, 1_000)).toBe('garbage');
  });
});
