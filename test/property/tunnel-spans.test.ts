import fc from 'fast-check';
import { expect, it } from 'vitest';
import { CLEAR_REASONS } from '../../core/ports/control.ts';
import { LATER_SPANS, SETUP_PHASES } from '../../core/ports/telemetry.ts';
import { after, instant } from '../../core/time.ts';
import { PPP } from '../../core/wire/ppp.ts';
import { TunnelSpans } from '../../gateway/session/tunnel-spans.ts';
import { MemoryTelemetry } from '../support/memory-telemetry.ts';
import { spansOf } from '../support/trace-check.ts';

const phase = fc.constantFrom(...SETUP_PHASES.filter((name) => name !== 'control' && name !== 'address'));
const protocol = fc.constantFrom<number>(PPP.lcp, PPP.ccp, PPP.ipcp, PPP.ipv6cp, PPP.chap, PPP.pap, PPP.eap, PPP.ipv4);
const denial = fc.constantFrom('bad-credentials', 'expired', 'unavailable');

/** Whatever a link may say about itself, in any order. */
const step: fc.Arbitrary<(spans: TunnelSpans) => void> = fc.oneof(
  phase.map((name) => (spans: TunnelSpans) => spans.phase({ kind: 'phase', phase: name, state: 'begin' }, true)),
  phase.map((name) => (spans: TunnelSpans) => spans.phase({ kind: 'phase', phase: name, state: 'done' }, true)),
  phase.map((name) => (spans: TunnelSpans) => {
    spans.phase({ kind: 'phase', phase: name, state: 'failed', error: 'renegotiated', detail: 'anew' }, false);
  }),
  fc.tuple(fc.constantFrom('in', 'out'), protocol, fc.uint8Array({ maxLength: 24 })).map(
    ([direction, number, bytes]) =>
      (spans: TunnelSpans) =>
        spans.packet(direction, number, bytes),
  ),
  fc.tuple(denial, fc.nat(2)).map(([why, retriesLeft]) => (spans: TunnelSpans) => {
    spans.attemptFailed({ method: 'pap', identity: 'alice', denial: why, retriesLeft });
  }),
  fc.constant((spans: TunnelSpans) => {
    spans.asked('pap')?.step('auth.backend').end();
    spans.task()?.end();
  }),
  fc.constant((spans: TunnelSpans) => spans.address().end()),
  fc.boolean().map((up) => (spans: TunnelSpans) => (up ? spans.up('10.99.0.2') : spans.down())),
  fc.constant((spans: TunnelSpans) => spans.note('lcp.renegotiation', 'anew')),
  fc.constant((spans: TunnelSpans) => spans.limitReached('idle', 'no user data')),
  fc.constant((spans: TunnelSpans) => spans.heard()),
);

it('whatever a link does, its spans are few, and none is open when it is over', () => {
  fc.assert(
    fc.property(
      fc.array(step, { maxLength: 400 }),
      fc.constantFrom(...CLEAR_REASONS),
      fc.array(fc.nat(5_000), { minLength: 1, maxLength: 5 }),
      (steps, reason, waits) => {
        const telemetry = new MemoryTelemetry();
        let now = instant(0);
        const spans = new TunnelSpans(telemetry.tunnel({}, now), () => now);
        for (const [at, act] of steps.entries()) {
          act(spans);
          now = after(now, waits[at % waits.length] ?? 0);
        }
        spans.end(reason, 'over', {}, undefined);
        const [trace] = telemetry.traces;
        if (trace === undefined) throw new Error('no trace');
        const all = spansOf(trace);
        expect(all.filter(({ span }) => !span.ended).map(({ name }) => name)).toEqual([]);
        // Rounds count as well.
        expect(trace.phases.length).toBeLessThanOrEqual(64);
        const minutes = Math.ceil(1 + now / 60_000);
        for (const name of LATER_SPANS) {
          expect(trace.later.filter((span) => span.name === name).length).toBeLessThanOrEqual(10 * minutes);
        }
        const ofSetup = [trace, ...trace.phases, ...trace.phases.flatMap(({ steps }) => steps)];
        expect(ofSetup.reduce((sum, { events }) => sum + events.length, 0)).toBeLessThanOrEqual(96);
      },
    ),
    { numRuns: 60 },
  );
});
