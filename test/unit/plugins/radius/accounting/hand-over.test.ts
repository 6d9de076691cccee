import { rmSync, writeFileSync } from 'node:fs';
import { join } from 'node:path';
import { afterEach, beforeEach, describe, expect, it } from 'vitest';
import type { HandOver } from '../../../../../core/ports/handover.ts';
import { AccountingRig, fleets, temporaryFolder } from '../../../../support/accounting-rig.ts';
import { eventuallyTrue } from '../../../../support/eventually.ts';
import { FakeClock } from '../../../../support/fake-clock.ts';

let folder: string;
let clock: FakeClock;
let rigs: AccountingRig[];
beforeEach(() => {
  folder = temporaryFolder();
  clock = new FakeClock();
  rigs = [];
});
afterEach(async () => {
  for (const rig of rigs) await rig.stop();
  rmSync(folder, { recursive: true, force: true });
});

/** One process of the gateway. */
const open = (options: { readonly onOff?: boolean; readonly fleet?: ReturnType<typeof fleets>[number] } = {}) => {
  const rig = new AccountingRig({ folder, clock, ...options });
  rigs.push(rig);
  const steps: Required<HandOver> = {
    startBeside: () => Promise.resolve(),
    rest: () => Promise.resolve(),
    release: () => Promise.resolve(undefined),
    takeOver: () => Promise.resolve(),
    serve: () => undefined,
    takeBack: () => Promise.resolve(),
    ...rig.accounting.lifecycle.handOver,
  };
  return { rig, steps };
};
type Process = ReturnType<typeof open>;

/** What it resolves with, however long that takes by the clock. */
const eventuallyHas = async <T>(promise: Promise<T>): Promise<T> => {
  let isThere = false;
  const seen = promise.finally(() => {
    isThere = true;
  });
  await eventuallyTrue(async () => {
    await clock.advance(100);
    return isThere;
  });
  return seen;
};

const soon = (): Promise<void> => clock.advance(10);

const handOver = async (from: Process, to: Process): Promise<void> => {
  await to.steps.startBeside(new AbortController().signal);
  const resting = from.steps.rest();
  await soon();
  await Promise.race([resting, Promise.resolve()]);
  const state = structuredClone(await from.steps.release());
  await to.steps.takeOver(state);
  to.steps.serve();
  await from.rig.stop();
  await soon();
};

describe('accounting in another process', () => {
  it('goes on with what waits and what is open: no second Start, no Stop, nothing lost', async () => {
    const before = open();
    await before.rig.start();
    before.rig.started('a');
    before.rig.started('b');
    await soon();
    before.rig.servers.answers = () => false;
    before.rig.interim('a');
    await soon();
    before.rig.stopped('b');
    const after = open();
    await handOver(before, after);
    after.rig.stopped('a');
    await clock.advance(60_000);
    expect(before.rig.servers.names).toEqual(['start a', 'start b']);
    expect(after.rig.servers.names.toSorted()).toEqual(['interim a', 'stop a', 'stop b']);
    expect(after.rig.accounting.waiting).toBe(0);
    expect(after.rig.log.lines).toEqual([]);
  });

  it('leaves to the next start what it would have left without: a Stop for each that is open', async () => {
    const before = open();
    await before.rig.start();
    before.rig.started('a');
    await soon();
    const after = open();
    await handOver(before, after);
    // It dies: its lock goes, and nothing is written any more.
    await after.steps.release();
    const next = open();
    await next.rig.start();
    await soon();
    expect(next.rig.servers.names).toEqual(['stop a']);
  });

  it('says neither that the gateway is on nor that it is off', async () => {
    const before = open({ onOff: true });
    await before.rig.start();
    before.rig.started('a');
    await soon();
    const after = open({ onOff: true });
    await handOver(before, after);
    after.rig.started('b');
    await soon();
    expect(before.rig.servers.names).toEqual(['on', 'start a']);
    expect(after.rig.servers.names).toEqual(['start b']);
    await after.rig.stop();
    expect(after.rig.servers.names).toEqual(['start b', 'off']);
  });

  it('keeps records behind an Accounting-On that no server has confirmed yet', async () => {
    const before = open({ onOff: true });
    before.rig.servers.answers = () => false;
    await before.rig.start();
    before.rig.started('a');
    await soon();
    const after = open({ onOff: true });
    await handOver(before, after);
    await clock.advance(60_000);
    expect(after.rig.servers.names).toEqual(['on', 'start a']);
  });

  it('lets a worker wait for the word of the first one still', async () => {
    const [, second] = fleets(2);
    const [, again] = fleets(2);
    if (second === undefined || again === undefined) throw new Error('there are two');
    const before = open({ onOff: true, fleet: second });
    await before.rig.start();
    before.rig.started('a');
    const asked: unknown[] = [];
    const after = open({ onOff: true, fleet: { ...again, publish: (_topic, word) => void asked.push(word) } });
    await handOver(before, after);
    await clock.advance(60_000);
    expect(after.rig.servers.names).toEqual([]);
    expect(asked).toContain('are-you-on');
  });

  it('rests: what is on its way comes to its end, and nothing more is sent until it goes on', async () => {
    const one = open();
    await one.rig.start();
    one.rig.started('a');
    let rested = false;
    const resting = one.steps.rest().then(() => {
      rested = true;
    });
    await Promise.resolve();
    expect(rested).toBe(false);
    await soon();
    await resting;
    one.rig.started('b');
    await clock.advance(60_000);
    expect(one.rig.servers.names).toEqual(['start a']);
    await one.steps.takeBack();
    await soon();
    expect(one.rig.servers.names).toEqual(['start a', 'start b']);
  });

  it('goes on where it was when nobody took over, at whatever step that was', async () => {
    const before = open();
    await before.rig.start();
    before.rig.started('a');
    await soon();
    const failed = open();
    const state = await before.steps.release();
    await failed.steps.takeOver(state);
    before.rig.interim('a');
    await failed.steps.release();
    await before.steps.takeBack();
    before.rig.stopped('a');
    before.rig.started('b');
    await soon();
    expect(before.rig.servers.names.toSorted()).toEqual(['interim a', 'start a', 'start b', 'stop a']);
    expect(failed.rig.servers.names).toEqual([]);
    // All of that is in the file, which is its own again.
    const thief = open();
    await expect(thief.rig.start()).rejects.toMatchObject({ code: 'STATE_DIR' });
    await before.steps.release();
    const next = open();
    await next.rig.start();
    await soon();
    expect(next.rig.servers.names).toEqual(['stop b']);
  });

  it('waits for the lock of a process that is ended just now', async () => {
    const before = open();
    await before.rig.start();
    before.rig.started('a');
    await soon();
    const dying = open();
    await dying.steps.takeOver(await before.steps.release());
    let isBack = false;
    const back = before.steps.takeBack().then(() => {
      isBack = true;
    });
    await clock.advance(250);
    expect(isBack).toBe(false);
    await dying.steps.release();
    await eventuallyTrue(async () => {
      await clock.advance(100);
      return isBack;
    });
    await back;
    before.rig.stopped('a');
    await soon();
    expect(before.rig.servers.names).toEqual(['start a', 'stop a']);
    expect(before.rig.log.events('error')).toEqual([]);
  });

  it('lets go again only when it has what an upgrade before has cost it for a moment', async () => {
    const before = open();
    await before.rig.start();
    before.rig.started('a');
    await soon();
    const dying = open();
    await dying.steps.takeOver(await before.steps.release());
    const back = before.steps.takeBack();
    // Asked for again at once, while the lock is not there yet.
    const again = before.steps.release();
    await dying.steps.release();
    const state = await eventuallyHas(again);
    await back;
    const next = open();
    await next.steps.takeOver(state);
    next.steps.serve();
    before.rig.servers.answers = () => false;
    next.rig.stopped('a');
    await soon();
    expect(next.rig.servers.names).toEqual(['stop a']);
    expect(before.rig.log.events('error')).toEqual([]);
  });

  it('is refused with another folder, with none before, and with what is not in the file', async () => {
    const before = open();
    await before.rig.start();
    before.rig.started('a');
    await soon();
    const state = await before.steps.release();
    const refused = async (given: unknown, code: string, says: string): Promise<void> => {
      const after = open();
      await expect(after.steps.takeOver(given)).rejects.toMatchObject({ code, message: expect.stringContaining(says) });
    };
    await refused(undefined, 'CONFIG_INVALID', 'PPTP_RADIUS_ACCOUNTING cannot change');
    await refused({ ...Object(state), folder: '/elsewhere' }, 'CONFIG_INVALID', 'PPTP_RADIUS_SPOOL_DIR cannot change');
    writeFileSync(join(folder, 'accounting-0.spool'), '');
    await refused(state, 'STATE_DIR', 'does not hold what the process before has written');
    await before.steps.takeBack();
    before.rig.stopped('a');
    await soon();
    expect(before.rig.servers.names).toEqual(['start a', 'stop a']);
  });

  it('does not let go while the disk does not take what it has', async () => {
    const one = open();
    await one.rig.start();
    rmSync(folder, { recursive: true, force: true });
    Reflect.get(one.rig.accounting, 'journal').stale = true;
    one.rig.started('a');
    await expect(one.steps.release()).rejects.toThrow('cannot be written');
    await one.steps.takeBack();
    await soon();
    expect(one.rig.servers.names).toEqual(['start a']);
  });
});
