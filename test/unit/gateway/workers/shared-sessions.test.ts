import { describe, expect, it } from 'vitest';
import { sessionId } from '../../../../core/ports/ids.ts';
import { CHANGE_SESSION, FIND_SESSIONS } from '../../../../gateway/workers/session-asks.ts';
import { FleetRig, facts } from '../../../support/fleet-rig.ts';

const rig = () => {
  const fleet = new FleetRig(3);
  for (const { own, index } of fleet.workers) own.sessions.push(facts(index, index + 1, index === 1 ? 'bob' : 'alice'));
  const worker = (index: number) => {
    const found = fleet.workers[index];
    if (found === undefined) throw new Error(`no worker ${index}`);
    return found;
  };
  const settled = async <T>(question: Promise<T>, ms = 100): Promise<T> => {
    question.catch(() => undefined);
    await fleet.clock.advance(ms);
    return question;
  };
  return { fleet, worker, settled };
};

const ENDING = { reason: 'administrative', detail: 'enough' } as const;

describe('the sessions of all workers, seen from one', () => {
  it('are those of all, its own first', async () => {
    const { worker, settled } = rig();
    const found = await settled(worker(1).directory.find({}));
    expect(found.map(({ facts: { id } }) => id)).toEqual(['100000000002', '000000000001', '200000000003']);
    expect(found[1]).toEqual({
      facts: facts(0, 1, 'alice'),
      usage: { octetsIn: 1, octetsOut: 2, packetsIn: 3, packetsOut: 4 },
    });
    expect(await settled(worker(0).directory.find({ identity: 'bob' }))).toHaveLength(1);
  });

  it('are found with every profile that lets a session in', async () => {
    const { worker, settled } = rig();
    const profile = { idleSeconds: 0.5, quotaOctets: 1e9 / 3, rate: { up: { bitsPerSecond: 1.5, burstOctets: 0.5 } } };
    // A field of a plug-in's own.
    const more = Object.assign(profile, { department: 'sales' });
    worker(0).own.sessions.splice(0, 1, { ...facts(0, 1, 'alice'), profile: more });
    const found = await settled(worker(1).directory.find({ identity: 'alice' }));
    expect(found[0]?.facts.profile).toEqual(more);
  });

  it('are found by their id at the one worker that it names', async () => {
    const { worker, settled } = rig();
    worker(2).hung = true;
    expect(await settled(worker(0).directory.find({ id: sessionId('100000000002') }))).toHaveLength(1);
    expect(await settled(worker(0).directory.find({ id: sessionId('000000000009') }))).toEqual([]);
    expect(await settled(worker(0).directory.find({ id: sessionId('f00000000009') }))).toEqual([]);
    expect(await settled(worker(0).directory.find({ id: sessionId('nonsense') }))).toEqual([]);
  });

  it('do without those of a process that has ended, and fail where one does not answer', async () => {
    const { worker, settled } = rig();
    worker(2).alive = false;
    expect(await settled(worker(0).directory.find({}))).toHaveLength(2);
    worker(1).hung = true;
    await expect(settled(worker(0).directory.find({}), 20_000)).rejects.toMatchObject({ code: 'TIMEOUT' });
  });

  it('are ended and changed where they are', async () => {
    const { worker, settled } = rig();
    const id = sessionId('200000000003');
    expect(await settled(worker(0).directory.disconnect(id, ENDING))).toBe(true);
    expect(await settled(worker(0).directory.change(id, { filter: undefined, idleSeconds: 5 }))).toEqual({ ok: true });
    // What is to be put back arrives, though its value is undefined.
    expect(worker(2).own.did).toEqual([`disconnect ${id} administrative`, `change ${id} ["filter","idleSeconds"]`]);
    worker(2).own.answer = { ok: false, why: 'refused', detail: 'no such filter' };
    expect(await settled(worker(1).directory.change(id, {}))).toMatchObject({ why: 'refused' });
  });

  it('are gone with their worker', async () => {
    const { worker, settled } = rig();
    worker(2).alive = false;
    const id = sessionId('200000000003');
    expect(await settled(worker(0).directory.disconnect(id, ENDING))).toBe(false);
    expect(await settled(worker(0).directory.change(id, {}))).toMatchObject({ ok: false, why: 'gone' });
    expect(await settled(worker(0).directory.disconnect(sessionId('x'), ENDING))).toBe(false);
    expect(await settled(worker(0).directory.change(sessionId('x'), {}))).toMatchObject({ why: 'gone' });
  });
});

describe('what workers tell each other', () => {
  it('reaches all others that want to know, in order, and never oneself', async () => {
    const { fleet, worker } = rig();
    const heard: unknown[] = [];
    for (const { index, fleet: one } of fleet.workers) {
      one.subscribe('counts', (message) => void heard.push([index, message]));
      one.subscribe('other', () => void heard.push('wrong'));
    }
    worker(1).fleet.publish('counts', { a: new Uint8Array([1, 2]) });
    worker(1).fleet.publish('counts', 2);
    worker(1).fleet.publish('unheard', 3);
    await fleet.clock.advance(100);
    expect(heard).toEqual([
      [0, { a: new Uint8Array([1, 2]) }],
      [2, { a: new Uint8Array([1, 2]) }],
      [0, 2],
      [2, 2],
    ]);
  });

  it('is lost for one that is not there, or fails at it, and for no other', async () => {
    const { fleet, worker } = rig();
    const heard: unknown[] = [];
    worker(0).alive = false;
    worker(1).fleet.subscribe('counts', () => {
      throw new Error('no');
    });
    worker(1).fleet.subscribe('counts', (message) => void heard.push(message));
    worker(2).fleet.publish('counts', 1);
    await fleet.clock.advance(100);
    expect(heard).toEqual([1]);
    expect(worker(1).log.lines).toMatchObject([{ event: 'fleet.untold', fields: { topic: 'counts', error: 'no' } }]);
  });
});

describe('what is taken from another process', () => {
  it.each([
    [undefined],
    [[{}]],
    [[{ facts: facts(0, 1, 'a'), usage: { octetsIn: -1, octetsOut: 0, packetsIn: 0, packetsOut: 0 } }]],
    [[{ facts: { ...facts(0, 1, 'a'), address: 1.5 }, usage: {} }]],
  ])('is no list of sessions: %j', (value) => {
    expect(FIND_SESSIONS.isAnswer(value)).toBe(false);
  });

  it.each([
    [{ id: '000000000001', change: { rate: { up: { bitsPerSecond: 0 } } } }],
    [{ id: '000000000001', change: { address: 5 } }],
    [{ id: '000000000001', change: { classes: ['a'] } }],
    [{ id: 1, change: {} }],
    ['x'],
  ])('is no change: %j', (value) => {
    expect(CHANGE_SESSION.isBody(value)).toBe(false);
  });
});
