import fc from 'fast-check';
import { expect, test } from 'vitest';
import { MppeReceiver } from '../../../core/datapath/mppe-receiver.ts';
import { type MppeOptions, MppeSender } from '../../../core/datapath/mppe-sender.ts';
import { MASTER, open, plainOf, seal } from '../../support/mppe-models.ts';

const anyOptions: fc.Arbitrary<MppeOptions> = fc.record({
  strength: fc.constantFrom(undefined, 40, 56, 128),
  stateless: fc.boolean(),
  compression: fc.boolean(),
});
const DROPS = ['truncated', 'malformed', 'late', 'unencrypted', 'decrypt-failed', 'reset-needed', 'garbage'];

/** What the path does with each packet: lost, how late a copy comes, and how many are lost before it. */
const anyPath = fc.array(
  fc.record({ copies: fc.integer({ min: 0, max: 2 }), delay: fc.integer({ min: 0, max: 6 }), skip: fc.nat(300) }),
  { minLength: 1, maxLength: 60 },
);
const anyContent = fc.oneof(
  fc.uint8Array({ minLength: 1, maxLength: 60 }),
  fc.constantFrom('a', 'ab', 'the quick brown fox ').map((text) => new TextEncoder().encode(text.repeat(12))),
);

test('loss, reordering, duplication and lost resets: a packet is what was sent, or a named drop; in the end it flows', () => {
  fc.assert(
    fc.property(anyOptions, anyPath, anyContent, (options, path, content) => {
      const sender = new MppeSender(MASTER, options);
      const receiver = new MppeReceiver(MASTER, options);
      const wire: {
        readonly due: number;
        readonly sequence: number;
        readonly datagram: Uint8Array;
        readonly plain: Uint8Array;
      }[] = [];
      let sequence = -1;
      const arrive = ({ datagram, plain, sequence: at }: (typeof wire)[number], now: number): boolean => {
        const opened = open(receiver, datagram, { sequence: at, now });
        if (typeof opened !== 'string') {
          expect(opened).toEqual(plain);
          receiver.accepted();
          return true;
        }
        expect(['late', 'reset-needed', 'decrypt-failed', 'garbage']).toContain(opened);
        // Every other Reset-Request is lost.
        if (opened === 'reset-needed' && at % 2 === 0) sender.flushNext();
        return false;
      };
      const send = (): { readonly sequence: number; readonly datagram: Uint8Array; readonly plain: Uint8Array } => {
        sequence += 1;
        const plain = plainOf(sequence, content);
        return { sequence, datagram: seal(sender, plain), plain };
      };
      path.forEach((step, now) => {
        for (let lost = step.skip > 280 ? step.skip : 0; lost > 0; lost -= 1) send();
        const packet = send();
        for (let copy = 0; copy < step.copies; copy += 1) wire.push({ ...packet, due: now + step.delay * copy });
        for (const one of wire.filter(({ due }) => due === now)) arrive(one, 1_000 * now);
      });
      // On a good path again, and with time to ask, packets flow before long.
      let delivered = 0;
      for (let now = path.length; now < path.length + 10; now += 1) {
        delivered = arrive({ ...send(), due: now }, 1_000 * now) ? delivered + 1 : 0;
      }
      expect(delivered).toBeGreaterThan(3);
    }),
    { numRuns: 100 },
  );
});

test('any octets at any time: decrypted or a named drop, and garbage cannot push a stateless receiver out of step', () => {
  const anyGarbage = fc.array(fc.uint8Array({ maxLength: 60 }), { maxLength: 30 });
  fc.assert(
    fc.property(anyOptions, anyGarbage, fc.boolean(), (options, garbage, sequenced) => {
      const sender = new MppeSender(MASTER, options);
      const receiver = new MppeReceiver(MASTER, options);
      for (const [i, octets] of garbage.entries()) {
        const opened = open(receiver, octets, { now: i, sequence: sequenced ? i * 1_000_000 : -1 });
        if (typeof opened === 'string') expect(DROPS).toContain(opened);
        else if (options.strength !== undefined) expect(receiver.rejected()).toBeGreaterThan(0);
      }
      if (!options.stateless || options.strength === undefined) return;
      const plain = plainOf(7);
      expect(open(receiver, seal(sender, plain), { now: 10_000 })).toEqual(plain);
    }),
    { numRuns: 300 },
  );
});
