import { describe, expect, it } from 'vitest';
import type { JsonObject } from '../../../../core/json/read.ts';
import { BoundedLog } from '../../../../core/ports/bounded-log.ts';
import { WebhookEvents } from '../../../../plugins/backend-webhook/events.ts';
import { testFacts, testUsage } from '../../../../testing/support/sessions.ts';
import { FakeClock } from '../../../support/fake-clock.ts';
import { MemoryLog } from '../../../support/memory-log.ts';

const rig = (most = 10) => {
  const clock = new FakeClock();
  const log = new MemoryLog();
  const told: JsonObject[] = [];
  const state = { works: true, silent: false, tries: 0 };
  const service = {
    ask: async (event: JsonObject): Promise<unknown> => {
      state.tries += 1;
      if (state.silent) return new Promise(() => undefined);
      if (!state.works) throw new Error('out of order');
      told.push(event);
      return { version: 1, result: 'ok' };
    },
  };
  const events = new WebhookEvents(service, clock, new BoundedLog(log, () => clock.now()), () => most);
  const names = () => told.map(({ type, session }) => `${type} ${session}`);
  return { clock, log, state, events, told, names };
};

const ending = { reason: 'idle', detail: 'no user data for 60 s' } as const;

describe('events of sessions', () => {
  it('are told one after the other, with what passed', async () => {
    const { clock, events, told, names } = rig();
    events.up(testFacts(1));
    events.up(testFacts(2));
    events.down(testFacts(1), ending, testUsage({ octetsIn: 5 }));
    await clock.advance(0);
    expect(names()).toEqual(['session-up test-1', 'session-up test-2', 'session-down test-1']);
    expect(told[0]).toMatchObject({ version: 1, identity: 'user-1', address: '10.99.0.2', peerAddress: '203.0.113.9' });
    expect(told[2]).toMatchObject({ reason: 'idle', usage: { octetsIn: 5, octetsOut: 0 } });
    expect(events.dropped).toBe(0);
  });

  it.each(Array.from({ length: 12 }, (_, n) => n))(
    'are told also when they come as the last one was told (%i)',
    async (turns) => {
      const { clock, events, names } = rig();
      events.up(testFacts(1));
      for (let turn = 0; turn < turns; turn += 1) await Promise.resolve();
      events.up(testFacts(2));
      await clock.advance(0);
      expect(names()).toEqual(['session-up test-1', 'session-up test-2']);
    },
  );

  it('wait while the service is out of order, in their order', async () => {
    const { clock, state, events, names } = rig();
    state.works = false;
    events.up(testFacts(1));
    events.up(testFacts(2));
    await clock.advance(5_999);
    expect(state.tries).toBe(2);
    state.works = true;
    await clock.advance(1);
    expect(names()).toEqual(['session-up test-1', 'session-up test-2']);
  });

  it('are dropped and counted when it lasts, and when too many wait', async () => {
    const { clock, log, state, events, names } = rig(2);
    state.works = false;
    for (let n = 1; n <= 4; n += 1) events.up(testFacts(n));
    expect(events.dropped).toBe(2);
    await clock.advance(26_000);
    expect([state.tries, events.dropped]).toEqual([5, 3]);
    state.works = true;
    await clock.advance(30_000);
    expect(names()).toEqual(['session-up test-2']);
    expect(log.events('warn')).toContain('webhook.events-dropped');
  });

  it('get their time at the end, and no more', async () => {
    const { clock, state, events, names } = rig();
    state.works = false;
    events.up(testFacts(1));
    events.up(testFacts(2));
    await clock.advance(10);
    state.works = true;
    await events.stop(3_000);
    expect(names()).toEqual(['session-up test-1', 'session-up test-2']);
    state.silent = true;
    events.down(testFacts(1), ending, testUsage());
    const stopped = events.stop(3_000);
    await clock.advance(3_000);
    await stopped;
    expect([events.dropped, clock.pending]).toEqual([1, 0]);
  });

  it('wait for another process, which tells those that were not told', async () => {
    const before = rig();
    before.events.up(testFacts(1));
    before.events.up(testFacts(2));
    const resting = before.events.rest();
    before.events.up(testFacts(3));
    await before.clock.advance(0);
    await resting;
    expect(before.names()).toEqual(['session-up test-1']);
    const after = rig();
    after.events.takeOver(structuredClone(before.events.release()));
    after.events.restored();
    await before.events.stop(3_000);
    await after.clock.advance(60_000);
    expect(after.names()).toEqual([]);
    after.events.goOn();
    after.events.down(testFacts(1), ending, testUsage());
    await after.clock.advance(0);
    expect(after.names()).toEqual(['session-up test-2', 'session-up test-3', 'session-down test-1']);
    expect([before.names().length, before.events.dropped, after.events.dropped]).toEqual([1, 0, 0]);
  });

  it('are not kept from another process by a pause, and go on when nobody has taken over', async () => {
    const { clock, state, events, names } = rig();
    state.works = false;
    events.up(testFacts(1));
    await clock.advance(10);
    await events.rest();
    events.release();
    state.works = true;
    await clock.advance(60_000);
    expect(names()).toEqual([]);
    events.goOn();
    await clock.advance(0);
    expect(names()).toEqual(['session-up test-1']);
    expect([events.dropped, clock.pending]).toEqual([0, 0]);
  });

  it.each(Array.from({ length: 12 }, (_, n) => n))(
    'go on when nobody has taken over, also as the last answer comes (%i)',
    async (turns) => {
      const { clock, state, events, names } = rig();
      state.works = false;
      events.up(testFacts(1));
      await clock.advance(10);
      void events.rest();
      for (let turn = 0; turn < turns; turn += 1) await Promise.resolve();
      state.works = true;
      events.goOn();
      await clock.advance(0);
      expect(names()).toEqual(['session-up test-1']);
    },
  );

  it('are bounded in another process, too, and not believed when they are anything else', () => {
    const before = rig();
    before.state.silent = true;
    for (let n = 1; n <= 4; n += 1) before.events.up(testFacts(n));
    const state = before.events.release();
    const after = rig(3);
    after.events.takeOver(state);
    expect(after.events.dropped).toBe(1);
    after.events.takeOver(undefined);
    for (const bad of [{ version: 2 }, { ...state, events: ['7'] }, { ...state, lost: -1 }]) {
      expect(() => rig().events.takeOver(bad)).toThrow('cannot be read');
    }
  });
});
