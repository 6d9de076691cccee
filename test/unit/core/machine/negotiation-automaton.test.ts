import { describe, expect, it } from 'vitest';
import { NegotiationAutomaton } from '../../../../core/machine/negotiation-automaton.ts';
import type { NegotiationAction, NegotiationEvent } from '../../../../core/machine/negotiation-table.ts';
import { type Instant, instant } from '../../../../core/time.ts';

const LIMITS = { restartMs: 3000, maxConfigure: 3, maxTerminate: 2, maxFailure: 5 };

class Rig {
  readonly done: NegotiationAction[] = [];
  deadline: Instant | undefined;
  readonly automaton = new NegotiationAutomaton(
    LIMITS,
    {
      set: (at) => {
        this.deadline = at;
      },
      clear: () => {
        this.deadline = undefined;
      },
    },
    { perform: (action) => void this.done.push(action) },
  );

  events(...events: readonly NegotiationEvent[]): this {
    for (const event of events) this.automaton.event(event, instant(0));
    return this;
  }

  /** Lets the Restart timer run out until it stops; how often a packet left meanwhile. */
  exhaust(action: NegotiationAction): number {
    this.done.length = 0;
    for (let i = 0; i < 50 && this.deadline !== undefined; i += 1) this.automaton.timeout(this.deadline);
    return this.done.filter((one) => one === action).length;
  }
}

describe('the Restart counter (RFC 1661 section 4.6)', () => {
  it('allows Max-Configure requests, the first included', () => {
    const rig = new Rig().events('Open', 'Up');
    expect(rig.exhaust('scr')).toBe(LIMITS.maxConfigure - 1);
    expect([rig.automaton.state, rig.done.at(-1)]).toEqual(['Stopped', 'tlf']);
  });

  it('is full again after an answer', () => {
    const rig = new Rig().events('Open', 'Up', 'TO+', 'TO+', 'RCN');
    expect(rig.exhaust('scr')).toBe(LIMITS.maxConfigure - 1);
  });

  it('allows Max-Terminate requests, the first included', () => {
    const rig = new Rig().events('Open', 'Up', 'Close');
    expect(rig.exhaust('str')).toBe(LIMITS.maxTerminate - 1);
    expect([rig.automaton.state, rig.done.at(-1)]).toEqual(['Closed', 'tlf']);
  });

  it('is zero after a Terminate-Request in Opened: one pause, then finished', () => {
    const rig = new Rig().events('Open', 'Up', 'RCA', 'RCR+', 'RTR');
    expect(rig.deadline).toBe(3000);
    rig.automaton.timeout(instant(3000));
    expect([rig.automaton.state, rig.done.at(-1), rig.deadline]).toEqual(['Stopped', 'tlf', undefined]);
  });

  it('goes on counting through a crossed connection', () => {
    const rig = new Rig().events('Open', 'Up', 'RCA', 'RCA');
    expect(rig.automaton.state).toBe('Req-Sent');
    expect(rig.exhaust('scr')).toBe(LIMITS.maxConfigure - 1);
  });
});
