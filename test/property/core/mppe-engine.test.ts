import fc from 'fast-check';
import { expect, test } from 'vitest';
import { type MppeOptions, MppeReceiver, MppeSender } from '../../../core/datapath/mppe-engine.ts';

const MASTER = Uint8Array.from({ length: 16 }, (_, i) => i * 17);
const anyOptions: fc.Arbitrary<MppeOptions> = fc.record({
  strength: fc.constantFrom(40, 56, 128),
  stateless: fc.boolean(),
  resetChangesKey: fc.boolean(),
});
const DROPS = ['truncated', 'malformed', 'late', 'unencrypted', 'decrypt-failed', 'reset-needed'];

/** What the path does with each packet sent: how many copies arrive, and how late. */
const anyPath = fc.array(
  fc.record({ copies: fc.integer({ min: 0, max: 2 }), delay: fc.integer({ min: 0, max: 6 }), skip: fc.nat(300) }),
  { minLength: 1, maxLength: 120 },
);

test('loss, reordering and duplication: a packet is what was sent, or a named drop', () => {
  fc.assert(
    fc.property(anyOptions, anyPath, fc.uint8Array({ minLength: 1, maxLength: 40 }), (options, path, content) => {
      const sender = new MppeSender(MASTER, options);
      const receiver = new MppeReceiver(MASTER, options);
      // Linux' way loses the key for good when a FLUSHED packet is lost (see MppeOptions): only resets are left out there.
      const resets = options.resetChangesKey !== true;
      const wire: { readonly due: number; readonly datagram: Uint8Array; readonly plain: Uint8Array }[] = [];
      let delivered = 0;
      path.forEach((step, now) => {
        // Runs of lost packets longer than the array: only the last of a run is put on the wire.
        for (let lost = step.skip > 280 ? step.skip : 0; lost >= 0; lost -= 1) {
          const plain = Uint8Array.of(now & 0xff, lost & 0xff, ...content);
          const datagram = new Uint8Array(2 + plain.length);
          datagram.set(plain, 2);
          sender.encrypt(datagram, 2, plain.length);
          if (lost > 0) continue;
          for (let copy = 0; copy < step.copies; copy += 1)
            wire.push({ due: now + step.delay * copy, datagram, plain });
        }
        for (const packet of wire.filter(({ due }) => due === now)) {
          const slab = packet.datagram.slice();
          const verdict = receiver.decrypt(slab, 0, slab.length);
          if (verdict === 'decrypted') {
            expect(slab.subarray(2)).toEqual(packet.plain);
            delivered += 1;
          } else {
            expect(['late', 'reset-needed', 'decrypt-failed']).toContain(verdict);
            if (verdict === 'reset-needed' && resets) sender.flushNext();
          }
        }
      });
      if (path.every((step) => step.copies === 1 && step.skip <= 280)) expect(delivered).toBe(path.length);
    }),
    { numRuns: 300 },
  );
});

test('any octets at any time: decrypted or a named drop, and a stateless receiver told of garbage keeps its place', () => {
  const anyGarbage = fc.array(fc.uint8Array({ maxLength: 24 }), { maxLength: 30 });
  fc.assert(
    fc.property(anyOptions, anyGarbage, (options, garbage) => {
      const sender = new MppeSender(MASTER, options);
      const receiver = new MppeReceiver(MASTER, options);
      for (const octets of garbage) {
        const verdict = receiver.decrypt(octets, 0, octets.length);
        if (verdict === 'decrypted') expect(receiver.rejected()).toBeGreaterThan(0);
        else expect(DROPS).toContain(verdict);
      }
      if (!options.stateless) return;
      const slab = Uint8Array.of(0, 0, 0x21, 0x45, 7);
      sender.encrypt(slab, 2, 3);
      expect(receiver.decrypt(slab, 0, 5)).toBe('decrypted');
      expect(slab.subarray(2)).toEqual(Uint8Array.of(0x21, 0x45, 7));
    }),
    { numRuns: 300 },
  );
});
