import { describe, expect, it } from 'vitest';
import type { Session } from '../../../../core/datapath/session.ts';
import { Due } from '../../../../gateway/session/due.ts';
import { openSession } from '../../../support/batches.ts';
import { FakeClock } from '../../../support/fake-clock.ts';

const A = openSession([], { local: 1 });
const B = openSession([], { local: 2 });

const bench = () => {
  const clock = new FakeClock(0);
  const served: (readonly [number, readonly Session[]])[] = [];
  const due = new Due<Session>(clock, (sessions, now) => served.push([now, sessions]));
  return { clock, served, due };
};

describe('sessions that are due', () => {
  it('are served when their time has come, those of one instant together, behind one timer', async () => {
    const { clock, served, due } = bench();
    due.set(B, 30);
    due.set(A, 30);
    expect(clock.pending).toBe(1);
    await clock.advance(29);
    expect(served).toEqual([]);
    await clock.advance(1);
    expect(served.map(([now]) => now)).toEqual([30]);
    expect(new Set(served[0]?.[1])).toEqual(new Set([A, B]));
    await clock.advance(1000);
    expect([served.length, clock.pending]).toEqual([1, 0]);
  });

  it('are woken no later than is asked, and no later than they are due', async () => {
    const { clock, served, due } = bench();
    due.set(A, 50);
    due.wake(A, 80);
    due.set(B, 50);
    due.wake(B, 20);
    await clock.advance(100);
    expect(served).toEqual([
      [20, [B]],
      [50, [A]],
    ]);
  });

  it('are not served when they want no time any more, or are over', async () => {
    const { clock, served, due } = bench();
    due.set(A, 10);
    due.set(A, undefined);
    due.set(B, 10);
    due.remove(B);
    await clock.advance(100);
    expect(served.flatMap(([, sessions]) => sessions)).toEqual([]);
  });

  it('that are due again at once have their turn in the next one of the event loop', async () => {
    const clock = new FakeClock(0);
    const turns: number[] = [];
    const due: Due<Session> = new Due<Session>(clock, (sessions, now) => {
      turns.push(sessions.length);
      if (turns.length < 3) due.set(A, now);
    });
    due.set(A, 5);
    await clock.advance(5);
    expect(turns).toEqual([1, 1, 1]);
  });

  it('wait while they are frozen, keep what they are due, and are served late afterwards', async () => {
    const { clock, served, due } = bench();
    due.set(A, 10);
    due.freeze();
    expect(clock.pending).toBe(0);
    due.set(B, 20);
    await clock.advance(100);
    expect([served, clock.pending]).toEqual([[], 0]);
    due.thaw();
    await clock.advance(0);
    expect(served).toEqual([[100, [A, B]]]);
  });

  it('leave no timer when they are stopped', () => {
    const { clock, due } = bench();
    due.set(A, 10);
    due.stop();
    expect(clock.pending).toBe(0);
  });
});
