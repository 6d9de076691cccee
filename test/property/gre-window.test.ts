import fc from 'fast-check';
import { describe, expect, it } from 'vitest';
import { GreWindow } from '../../core/datapath/gre-window.ts';
import { instant } from '../../core/time.ts';

const OPTIONS = { minTimeoutMs: 100, maxTimeoutMs: 3_000, queueLimit: 16 };

type Act =
  | { readonly kind: 'send'; readonly packets: number }
  | { readonly kind: 'ack'; readonly back: number }
  | { readonly kind: 'nonsense'; readonly sequence: number }
  | { readonly kind: 'expire' };

const acts = fc.array(
  fc.tuple(
    fc.nat(4_000),
    fc.oneof(
      fc.record({ kind: fc.constant('send' as const), packets: fc.nat(300) }),
      fc.record({ kind: fc.constant('ack' as const), back: fc.nat(200) }),
      fc.record({ kind: fc.constant('nonsense' as const), sequence: fc.nat(0xffff_ffff) }),
      fc.record({ kind: fc.constant('expire' as const) }),
    ) satisfies fc.Arbitrary<Act>,
  ),
  { maxLength: 80 },
);

describe('the sender’s window, whatever is acknowledged and whenever', () => {
  it('stays within its bounds, never lets more out than it says, and never closes for good', () => {
    fc.assert(
      fc.property(fc.nat(0xffff), fc.nat(0xffff), acts, (packets, processingDelay, sequence) => {
        const window = new GreWindow({ packets, processingDelay }, OPTIONS);
        const maximum = Math.min(16_384, Math.max(1, packets));
        let now = 0;
        let sent = 0;
        for (const [wait, act] of sequence) {
          now += wait;
          if (act.kind === 'send') {
            for (let i = 0; i < act.packets && window.isOpen; i += 1) {
              window.sent(instant(now));
              sent += 1;
            }
          } else if (act.kind === 'ack') window.acknowledge((sent - 1 - act.back) >>> 0, instant(now));
          else if (act.kind === 'nonsense') window.acknowledge(act.sequence, instant(now));
          else window.expire(instant(now));
          const seen = window.snapshot();
          expect(seen.size).toBeGreaterThanOrEqual(1);
          expect(seen.size).toBeLessThanOrEqual(maximum);
          expect(seen.maximum).toBe(maximum);
          expect(seen.inFlight).toBeGreaterThanOrEqual(0);
          expect(seen.inFlight).toBeLessThanOrEqual(Math.min(sent, maximum));
          expect(seen.timeoutMs).toBeGreaterThanOrEqual(OPTIONS.minTimeoutMs);
          expect(seen.timeoutMs).toBeLessThanOrEqual(OPTIONS.maxTimeoutMs);
          expect(seen.roundTripMs).toBeGreaterThanOrEqual(0);
          // Whatever is on the way has a deadline, and no more than MaxTimeOut from when it left.
          const due = window.nextTimeout();
          expect(due === undefined).toBe(seen.inFlight === 0);
          if (due !== undefined) expect(due).toBeLessThanOrEqual(now + OPTIONS.maxTimeoutMs);
        }
        const due = window.nextTimeout();
        if (due !== undefined) window.expire(due);
        expect(window.isOpen).toBe(true);
      }),
      { numRuns: 500 },
    );
  });

  it('a hundred thousand packets, with acknowledgments from half the circle of numbers away: the window is what it was', () => {
    const window = new GreWindow({ packets: 8, processingDelay: 0 }, OPTIONS);
    // Only the distance to what was sent counts; a number half the circle away is none of ours.
    for (let sent = 0; sent < 100_000; sent += 1) {
      window.sent(instant(sent));
      window.acknowledge(sent, instant(sent + 1));
      window.acknowledge((sent + 0x8000_0000) >>> 0, instant(sent + 1));
    }
    expect(window.snapshot()).toMatchObject({ size: 8, inFlight: 0, timeOuts: 0 });
  });
});
