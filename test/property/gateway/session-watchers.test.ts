import fc from 'fast-check';
import { describe, expect, it } from 'vitest';
import type { AccountingSink } from '../../../core/ports/accounting.ts';
import type { UserProfile } from '../../../core/ports/profile.ts';
import type { SessionFacts } from '../../../core/ports/session-facts.ts';
import { AccountingHub } from '../../../gateway/session/accounting-hub.ts';
import type { LiveSession } from '../../../gateway/session/live-session.ts';
import { SessionWatchers } from '../../../gateway/session/session-watchers.ts';
import { openSession } from '../../support/batches.ts';
import { FakeClock } from '../../support/fake-clock.ts';
import { facts as factsOf } from '../../support/fleet-rig.ts';

const SECOND = 1_000;
const USAGE = { octetsIn: 0, octetsOut: 0, packetsIn: 0, packetsOut: 0 };
const ENDING = { reason: 'administrative', detail: 'x' } as const;

/** A session as the tunnel tells of it: up once, then changes, then down once. */
class FakeSession implements LiveSession {
  readonly session = openSession();
  readonly number: number;
  upSince: number | undefined;
  over = false;
  private readonly clock: FakeClock;
  private profile: UserProfile = {};

  constructor(number: number, clock: FakeClock) {
    this.number = number;
    this.clock = clock;
  }

  facts(): SessionFacts {
    return { ...factsOf(0, this.number, `user-${this.number}`), profile: this.profile };
  }

  usage() {
    return USAGE;
  }

  seconds(): number {
    return this.upSince === undefined ? 0 : Math.floor((this.clock.now() - this.upSince) / SECOND);
  }

  up(watchers: SessionWatchers): void {
    if (this.upSince !== undefined || this.over) return;
    this.upSince = this.clock.now();
    watchers.up(this, this.facts());
  }

  change(watchers: SessionWatchers, profile: UserProfile): void {
    if (this.upSince === undefined || this.over) return;
    this.profile = profile;
    watchers.changed(this, this.facts());
  }

  close(watchers: SessionWatchers): void {
    if (this.upSince !== undefined && !this.over) {
      this.over = true;
      watchers.down(this, this.facts(), ENDING, USAGE);
    }
    this.over = true;
  }
}

const SESSIONS = 3;
const which = fc.nat(SESSIONS - 1);
const step = fc.oneof(
  fc.record({ kind: fc.constant('up' as const), which }),
  fc.record({ kind: fc.constant('change' as const), which, interim: fc.option(fc.constantFrom(0, 20, 45, 90)) }),
  fc.record({ kind: fc.constant('close' as const), which }),
  fc.record({ kind: fc.constant('wait' as const), seconds: fc.integer({ min: 1, max: 200 }) }),
);
/** What a sink does when it is told something: ends a session, which is news in the middle of news. */
const meddling = fc.array(fc.record({ at: fc.nat(20), which }), { maxLength: 3 });

describe('any order of what becomes of sessions', () => {
  it('gives each sink start at most once, stop once after it and last, and interims in time', async () => {
    await fc.assert(
      fc.asyncProperty(fc.array(step, { maxLength: 30 }), meddling, async (steps, meddles) => {
        const clock = new FakeClock();
        const told: { readonly sink: number; readonly kind: string; readonly user: string; readonly at: number }[] = [];
        const sessions = Array.from({ length: SESSIONS }, (_, number) => new FakeSession(number + 1, clock));
        let count = 0;
        const sink = (index: number): AccountingSink => {
          const tell = (kind: string, { identity }: SessionFacts): void => {
            told.push({ sink: index, kind, user: identity, at: clock.now() });
            count += 1;
            for (const meddle of meddles) if (meddle.at === count) sessions[meddle.which]?.close(watchers);
          };
          return {
            name: `sink-${index}`,
            start: ({ facts }) => tell('start', facts),
            interim: ({ facts }) => tell('interim', facts),
            stop: ({ facts }) => tell('stop', facts),
          };
        };
        const sinks = [sink(0), sink(1)];
        const wallClock = { now: () => clock.now() };
        const watchers = new SessionWatchers(
          [],
          new AccountingHub({ sinks, clock, wallClock, interimSeconds: () => 60 }),
        );
        for (const one of steps) {
          if (one.kind === 'wait') await clock.advance(one.seconds * SECOND);
          else if (one.kind === 'up') sessions[one.which]?.up(watchers);
          else if (one.kind === 'close') sessions[one.which]?.close(watchers);
          else sessions[one.which]?.change(watchers, one.interim === null ? {} : { interimSeconds: one.interim });
        }
        for (const one of sessions) one.close(watchers);
        await clock.advance(1000 * SECOND);
        expect(clock.pending).toBe(0);
        for (const index of [0, 1]) {
          for (const { number, upSince } of sessions) {
            const kinds = told
              .filter((one) => one.sink === index && one.user === `user-${number}`)
              .map(({ kind }) => kind);
            if (upSince === undefined) expect(kinds).toEqual([]);
            else {
              expect(kinds[0]).toBe('start');
              expect(kinds.at(-1)).toBe('stop');
              expect(kinds.slice(1, -1).every((kind) => kind === 'interim')).toBe(true);
            }
          }
        }
      }),
      { numRuns: 100 },
    );
  });
});
