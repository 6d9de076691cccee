import fc from 'fast-check';
import { describe, expect, it } from 'vitest';
import type { Machine } from '../../../core/machine/machine.ts';
import type { LinkEffect, LinkInput, NetworkProfile } from '../../../core/machine/ppp-link-types.ts';
import type { PolicyAnswer } from '../../../core/ports/policy.ts';
import { after } from '../../../core/time.ts';
import { AccountingHub } from '../../../gateway/session/accounting-hub.ts';
import { Driver } from '../../../gateway/session/driver.ts';
import { LocalSessions } from '../../../gateway/session/local-sessions.ts';
import { Policies } from '../../../gateway/session/policies.ts';
import { SessionWatchers } from '../../../gateway/session/session-watchers.ts';
import { SessionNotes } from '../../../testing/lab/session-parts.ts';
import { driverParts } from '../../support/driver-parts.ts';

const SECOND = 1_000;
const POLICY_MS = 2 * SECOND;

/** A link that does what a frame says: a proof, its network up and down, its end. Answers of the gateway are kept. */
class FrameLink implements Machine<LinkInput, LinkEffect> {
  owed = 0;
  profile: NetworkProfile | undefined;
  private up = false;

  handle(input: LinkInput): readonly LinkEffect[] {
    if (input.kind === 'authorize') {
      this.owed -= 1;
      if (this.owed === 0) this.profile = input.profile;
      return [];
    }
    if (input.kind === 'close') return [...this.down(), { kind: 'closed', reason: input.reason, detail: input.detail }];
    if (input.kind !== 'frame') return [];
    switch (input.bytes[0]) {
      case 0:
      case 1: {
        this.owed += 1;
        this.profile = undefined;
        const identity = input.bytes[0] === 0 ? 'anna' : 'bert';
        return [...this.down(), { kind: 'authenticated', method: 'pap', identity, profile: {} }];
      }
      case 2:
        if (this.profile === undefined) return [];
        this.up = true;
        return [{ kind: 'network', network: this.profile }];
      case 3:
        return this.down();
      default:
        return [{ kind: 'closed', reason: 'peer-terminated', detail: 'bye' }];
    }
  }

  nextTimeout(): undefined {
    return undefined;
  }

  handleTimeout(): readonly LinkEffect[] {
    return [];
  }

  private down(): readonly LinkEffect[] {
    if (!this.up) return [];
    this.up = false;
    return [{ kind: 'network', network: undefined }];
  }
}

const step = fc.oneof(
  fc.record({ kind: fc.constant('frame' as const), octet: fc.integer({ min: 0, max: 3 }) }),
  fc.record({ kind: fc.constant('frame' as const), octet: fc.constant(4) }),
  fc.record({ kind: fc.constant('wait' as const), ms: fc.integer({ min: 0, max: 90 * SECOND }) }),
  fc.record({ kind: fc.constant('change' as const), interim: fc.constantFrom(0, 20, 45, 90) }),
  fc.record({ kind: fc.constant('disconnect' as const) }),
);

/** One user is up when another proves to be there, and nothing comes of it. */
const frame = (octet: number) => ({ kind: 'frame' as const, octet });
const ANOTHER_PROVES = [frame(0), { kind: 'wait' as const, ms: 5 * SECOND }, frame(2), frame(1)];

const bench = (slow: boolean, refuses: boolean) => {
  const parts = driverParts();
  const { clock, wallClock } = parts;
  const notes = new SessionNotes();
  const link = new FrameLink();
  const answer = (identity: string): PolicyAnswer =>
    refuses && identity === 'bert' ? { admit: false, denial: 'no', detail: 'not bert' } : { admit: true };
  const later = (identity: string): Promise<PolicyAnswer> =>
    new Promise((resolve) => void clock.schedule(after(clock.now(), POLICY_MS), () => resolve(answer(identity))));
  const policy = {
    name: 'policy',
    mayTry: () => true,
    mayPass: () => true,
    tried: () => undefined,
    admit: ({ identity }: { readonly identity: string }) => (slow ? later(identity) : answer(identity)),
  };
  const driver = new Driver(
    {
      ...parts,
      policies: new Policies([policy], wallClock),
      watchers: new SessionWatchers(
        [notes],
        new AccountingHub({ sinks: [notes], clock, wallClock, interimSeconds: () => 60 }),
      ),
      createLink: () => link,
    },
    { dns: [], wins: [], silenceMs: 1e9, limits: { idleMs: 0, sessionMs: 0 } },
  );
  return { ...parts, notes, link, driver, directory: new LocalSessions(() => driver) };
};

describe('whatever becomes of a call', () => {
  it('its session is told of in order, once up and once down, and everything comes home', async () => {
    await fc.assert(
      fc.asyncProperty(fc.array(step, { maxLength: 25 }), fc.boolean(), fc.boolean(), async (steps, slow, refuses) => {
        const b = bench(slow, refuses);
        await b.driver.start();
        const call = b.control.open(0x2200, b.clock.now());
        const session = b.sessions.byCallId(call.localCallId);
        if (session === undefined) throw new Error('no session');
        const ended: boolean[] = [];
        let asked = 0;
        for (const one of steps) {
          if (one.kind === 'frame') b.hub.frame(session, 0xc021, Uint8Array.of(one.octet));
          else if (one.kind === 'wait') await b.clock.advance(one.ms);
          else if (one.kind === 'change') await b.directory.change(session.id, { interimSeconds: one.interim });
          else {
            asked += 1;
            const ending = { reason: 'administrative', detail: 'x' } as const;
            void b.directory.disconnect(session.id, ending).then((was) => ended.push(was));
          }
        }
        await b.clock.advance(2 * POLICY_MS);
        // Each proof of a link that is not over has been answered.
        if (b.driver.size > 0) expect(b.link.owed).toBe(0);
        await b.driver.stop();
        await b.clock.advance(1000 * SECOND);
        expect(ended).toHaveLength(asked);
        expect([b.driver.size, b.sessions.size, b.addresses.inUse, b.clock.pending]).toEqual([0, 0, 0, 0]);
        const kinds = b.notes.kinds.filter((kind) => kind !== 'interim' && kind !== 'changed');
        expect(kinds).toEqual(kinds.length === 0 ? [] : ['start', 'up', 'stop', 'down']);
        // The last record is of whom the sinks know, and of the address that this user had.
        const said = b.notes.told.flatMap((told) =>
          told.kind === 'interim' ? [] : ['record' in told ? told.record.facts : told.facts],
        );
        const [known, last] = [b.notes.told.findLast(({ kind }) => kind === 'up' || kind === 'changed'), said.at(-1)];
        if (known !== undefined && 'facts' in known) {
          expect([last?.identity, last?.address]).toEqual([known.facts.identity, known.facts.address]);
        }
        const at = (kind: 'up' | 'stop') => b.notes.kinds.indexOf(kind);
        for (const [index, kind] of b.notes.kinds.entries()) {
          if (kind === 'interim' || kind === 'changed') expect(at('up') < index && index < at('stop')).toBe(true);
        }
      }),
      {
        numRuns: 150,
        examples: [
          [ANOTHER_PROVES, false, false],
          [ANOTHER_PROVES, true, true],
        ],
      },
    );
  });
});
