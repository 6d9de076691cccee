import fc from 'fast-check';
import { describe, expect, test } from 'vitest';
import { ipv4 } from '../../../../core/bytes/ipv4-address.ts';
import { type Log, silentLog } from '../../../../core/ports/log.ts';
import {
  type Applicant,
  SetupAdmission,
  type SetupLimits,
  type SetupRefusal,
} from '../../../../plugins/control-pptp/setup-admission.ts';
import { ManualClock } from '../../../support/manual-clock.ts';

const LIMITS: SetupLimits = { atOnce: 2, waiting: 3, waitMs: 1000 };

const rig = (limits: SetupLimits = LIMITS) => {
  const clock = new ManualClock();
  const said: string[] = [];
  const logged: unknown[] = [];
  const log: Log = { ...silentLog, warn: (event, _message, fields) => logged.push({ event, ...fields }) };
  const admission = new SetupAdmission(clock, log, limits, 10_000);
  const applicants = new Map<string, Applicant>();
  const ask = (name: string, source = 1, isKnown = false): void => {
    const applicant = {
      peer: ipv4(source),
      isKnown,
      goAhead: () => said.push(`${name} begins`),
      turnAway: (why: SetupRefusal) => said.push(`${name} ${why}`),
    };
    applicants.set(name, applicant);
    admission.ask(applicant);
  };
  const leave = (name: string): void => {
    const applicant = applicants.get(name);
    if (applicant !== undefined) admission.leave(applicant);
  };
  /** Everything that was said since the last question. */
  const heard = (): string[] => said.splice(0);
  return { clock, admission, ask, leave, heard, logged };
};

/** What a microtask does is done. */
const turn = (): Promise<void> => Promise.resolve();

describe('set-ups', () => {
  test('begin at once while there is room, and the others wait for somebody to be through', async () => {
    const { ask, leave, heard, admission } = rig();
    for (const name of ['a', 'b', 'c', 'd']) ask(name);
    expect(heard()).toEqual(['a begins', 'b begins']);
    expect([admission.running, admission.waiting]).toEqual([2, 2]);
    leave('b');
    expect(heard()).toEqual([]);
    await turn();
    expect(heard()).toEqual(['c begins']);
    leave('a');
    leave('c');
    await turn();
    expect(heard()).toEqual(['d begins']);
    expect([admission.running, admission.waiting]).toEqual([1, 0]);
  });

  test('all begin at once where nobody is to wait', () => {
    const { ask, heard, admission } = rig({ ...LIMITS, atOnce: 0 });
    for (const name of ['a', 'b', 'c']) ask(name);
    expect(heard()).toEqual(['a begins', 'b begins', 'c begins']);
    expect([admission.running, admission.waiting]).toEqual([0, 0]);
  });

  test('of clients that gave up do not begin', async () => {
    const { ask, leave, heard } = rig();
    for (const name of ['a', 'b', 'c', 'd']) ask(name);
    leave('c');
    leave('a');
    await turn();
    expect(heard()).toEqual(['a begins', 'b begins', 'd begins']);
  });

  test('do not begin before those that came earlier', async () => {
    const { ask, leave, heard } = rig();
    for (const name of ['a', 'b', 'c']) ask(name);
    leave('a');
    ask('late');
    await turn();
    expect(heard()).toEqual(['a begins', 'b begins', 'c begins']);
  });

  test('of one source address come one after the other, each behind one of every other source', async () => {
    const { ask, leave, heard, admission } = rig({ ...LIMITS, atOnce: 1, waiting: 10 });
    for (const name of ['a', 'b', 'c', 'd', 'gone', 'e']) ask(name, 1);
    for (const name of ['x', 'y']) ask(name, 2);
    ask('z', 3);
    leave('gone');
    for (const name of ['a', 'b', 'x', 'z', 'c', 'y', 'd', 'e']) {
      expect(heard()).toEqual([`${name} begins`]);
      leave(name);
      await turn();
    }
    expect([admission.running, admission.waiting]).toEqual([0, 0]);
  });

  test('of known addresses come before those of strangers, one of each address after the other', async () => {
    const { ask, leave, heard } = rig({ ...LIMITS, atOnce: 1, waiting: 10 });
    for (const name of ['a', 'b', 'c']) ask(name, 1);
    for (const name of ['x', 'y']) ask(name, 2, true);
    ask('z', 3, true);
    for (const name of ['a', 'x', 'z', 'y', 'b', 'c']) {
      expect(heard()).toEqual([`${name} begins`]);
      leave(name);
      await turn();
    }
  });

  test('that are over twice give up one place', async () => {
    const { ask, leave, heard } = rig();
    for (const name of ['a', 'b', 'c', 'd', 'e']) ask(name);
    leave('a');
    leave('a');
    await turn();
    leave('a');
    await turn();
    expect(heard()).toEqual(['a begins', 'b begins', 'c begins']);
  });

  test('that say no more lose their place after 5 s, so that nobody keeps others out', () => {
    const { ask, heard, clock } = rig({ ...LIMITS, waitMs: 60_000 });
    for (const name of ['silent 1', 'silent 2', 'c']) ask(name);
    expect(heard()).toEqual(['silent 1 begins', 'silent 2 begins']);
    clock.advance(4_990);
    expect(heard()).toEqual([]);
    clock.advance(30);
    expect(heard()).toEqual(['c begins']);
  });

  test('nobody waits for lose their place to the next that asks', () => {
    const { ask, heard, clock, admission } = rig();
    ask('silent 1');
    ask('silent 2');
    expect(admission.running).toBe(2);
    clock.advance(5_000);
    expect(admission.running).toBe(0);
    expect(clock.scheduled).toBe(0);
    ask('c');
    expect(heard()).toEqual(['silent 1 begins', 'silent 2 begins', 'c begins']);
  });
});

describe('who waits', () => {
  test('is refused after its time, those that came first before the others', () => {
    const { ask, heard, clock, admission } = rig();
    for (const name of ['a', 'b', 'c']) ask(name);
    clock.advance(500);
    ask('d');
    heard();
    clock.advance(480);
    expect(heard()).toEqual([]);
    clock.advance(40);
    expect(heard()).toEqual(['c limit-setup-wait']);
    clock.advance(500);
    expect(heard()).toEqual(['d limit-setup-wait']);
    expect(admission.waiting).toBe(0);
    expect(clock.scheduled).toBe(0);
  });

  test('is refused at once where as many wait as may', () => {
    const { ask, heard } = rig();
    for (const name of ['a', 'b', 'c', 'd', 'e', 'f']) ask(name);
    expect(heard()).toEqual(['a begins', 'b begins', 'f limit-setup-queue']);
  });

  test('is a known one rather than a stranger where as many wait as may', async () => {
    const { ask, leave, heard, admission } = rig();
    for (const name of ['a', 'b', 'c', 'd', 'e']) ask(name);
    heard();
    ask('known', 2, true);
    expect([heard(), admission.waiting]).toEqual([['c limit-setup-queue'], 3]);
    for (const name of ['known 2', 'known 3']) ask(name, 2, true);
    ask('known 4', 3, true);
    expect(heard()).toEqual(['d limit-setup-queue', 'e limit-setup-queue', 'known 4 limit-setup-queue']);
    leave('a');
    await turn();
    expect(heard()).toEqual(['known begins']);
  });

  test('is nobody where nobody may: all begin that may run at a time, and the others are refused', () => {
    const { ask, heard } = rig({ ...LIMITS, atOnce: 100, waiting: 0 });
    for (let one = 1; one <= 101; one += 1) ask(`${one}`);
    expect(heard().slice(98)).toEqual(['99 begins', '100 begins', '101 limit-setup-queue']);
  });

  test('hears nothing after the end of everything', () => {
    const { ask, heard, clock, admission } = rig();
    for (const name of ['a', 'b', 'c']) ask(name);
    admission.stop();
    clock.advance(10_000);
    expect(heard()).toEqual(['a begins', 'b begins']);
    expect(clock.scheduled).toBe(0);
  });

  test('is a storm when there are many, which is told once in a while', () => {
    const { ask, logged, clock } = rig({ atOnce: 1, waiting: 500, waitMs: 60_000 });
    for (let one = 0; one < 200; one += 1) ask(`${one}`);
    expect(logged).toEqual([{ event: 'control.storm', waiting: 64, running: 1, notLogged: 0 }]);
    clock.advance(10_000);
    ask('more');
    expect(logged).toHaveLength(2);
    expect(logged[1]).toMatchObject({ event: 'control.storm', notLogged: 135 });
  });
});

describe('how many run at a time', () => {
  /** Clients without end, and an event loop whose turns take so many ms. */
  const windowAfter = (turnMs: number, looks: number, through = true): number => {
    const { ask, leave, admission, clock } = rig({ atOnce: 512, waiting: 100_000, waitMs: 600_000 });
    for (let one = 0; one < 2000; one += 1) ask(`${one}`);
    for (let look = 0; look < looks; look += 1) {
      if (through) leave(`${look}`);
      clock.lag(20 + turnMs);
    }
    return admission.running;
  };

  test('grows while turns of the event loop are short, up to the limit', () => {
    expect(windowAfter(0, 0)).toBe(64);
    expect(windowAfter(1, 4)).toBeGreaterThan(64);
    expect(windowAfter(1, 60)).toBe(512);
  });

  test('stays while nobody is through', () => {
    expect(windowAfter(1, 60, false)).toBe(64);
  });

  test('grows when clients that say no more lose their places, so that a few of them do not hold all there are', () => {
    const { ask, admission, clock } = rig({ atOnce: 512, waiting: 100_000, waitMs: 600_000 });
    for (let one = 0; one < 100; one += 1) ask(`${one}`);
    for (let look = 0; look < 40; look += 1) clock.lag(120);
    for (let one = 0; one < 200; one += 1) {
      ask(`silent ${one}`);
      clock.advance(200);
    }
    expect(admission.running).toBeGreaterThan(8);
  });

  test('stays where turns are as long as they may be', () => {
    expect(windowAfter(20, 60)).toBe(64);
  });

  test('shrinks while they are long, and never to nothing', async () => {
    const { ask, leave, admission, clock } = rig({ atOnce: 512, waiting: 100_000, waitMs: 600_000 });
    for (let one = 0; one < 500; one += 1) ask(`${one}`);
    for (let look = 0; look < 40; look += 1) clock.lag(120);
    for (let one = 0; one < 64; one += 1) leave(`${one}`);
    await turn();
    expect(admission.running).toBe(8);
  });
});

test('whatever happens: no more run than may, nobody waits for ever, everybody is answered once at the most', async () => {
  const step = fc.oneof(
    fc.record({ kind: fc.constant('ask' as const), source: fc.integer({ min: 1, max: 5 }), isKnown: fc.boolean() }),
    fc.record({ kind: fc.constant('leave' as const), which: fc.nat() }),
    fc.record({ kind: fc.constant('advance' as const), ms: fc.integer({ min: 1, max: 700 }) }),
    fc.record({ kind: fc.constant('lag' as const), ms: fc.integer({ min: 1, max: 200 }) }),
    fc.record({ kind: fc.constant('turn' as const) }),
  );
  const limits = fc.record({
    atOnce: fc.integer({ min: 1, max: 20 }),
    waiting: fc.integer({ min: 0, max: 20 }),
    waitMs: fc.integer({ min: 1, max: 2000 }),
  });
  await fc.assert(
    fc.asyncProperty(limits, fc.array(step, { maxLength: 200 }), async (most, script) => {
      const { admission, ask, leave, heard, clock } = rig(most);
      const asked: string[] = [];
      const answers = new Map<string, number>();
      const gone = new Set<string>();
      const look = (): void => {
        expect(admission.running).toBeLessThanOrEqual(most.atOnce);
        expect(admission.waiting).toBeLessThanOrEqual(most.waiting);
        for (const line of heard()) {
          const name = line.split(' ')[0] ?? '';
          answers.set(name, (answers.get(name) ?? 0) + 1);
          expect(gone.has(name)).toBe(false);
        }
      };
      for (const one of script) {
        if (one.kind === 'ask') {
          asked.push(`${asked.length}`);
          ask(`${asked.length - 1}`, one.source, one.isKnown);
        } else if (one.kind === 'leave') {
          const name = asked[one.which % Math.max(1, asked.length)];
          look();
          if (name !== undefined) {
            leave(name);
            gone.add(name);
          }
        } else if (one.kind === 'advance') clock.advance(one.ms);
        else if (one.kind === 'lag') clock.lag(one.ms);
        else await turn();
        look();
      }
      clock.advance(most.waitMs + 100);
      look();
      expect(admission.waiting).toBe(0);
      for (const name of asked) expect(answers.get(name) ?? (gone.has(name) ? 1 : 0)).toBe(1);
      for (const name of asked) leave(name);
      await turn();
      expect(admission.running).toBe(0);
      expect(clock.scheduled).toBe(0);
    }),
  );
});
