import { afterEach, describe, expect, it } from 'vitest';
import type { Setting } from '../../../../core/ports/settings.ts';
import { LiveValue } from '../../../../gateway/life/live-value.ts';
import { Exec, type ExecOptions, execPlugin } from '../../../../plugins/backend-exec/index.ts';
import { execSettings } from '../../../../plugins/backend-exec/options.ts';
import { eventually, eventuallyTrue } from '../../../support/eventually.ts';
import { execOptions } from '../../../support/exec-options.ts';
import { ManualClock } from '../../../support/manual-clock.ts';
import { MemoryLog } from '../../../support/memory-log.ts';

const open: (() => Promise<void>)[] = [];
afterEach(async () => {
  for (const close of open.splice(0)) await close();
});
const never = new AbortController().signal;

const start = async (changes: Partial<ExecOptions> = {}) => {
  const live = new LiveValue(execOptions(changes));
  const log = new MemoryLog();
  const clock = new ManualClock();
  const exec = new Exec(clock, log, live);
  await exec.start();
  open.push(() => exec.stop());
  const ask = (user: string, proof: object = {}) => exec.pool.ask({ user, proof: { ...proof } }, never);
  return { live, log, clock, exec, ask };
};

const isAlive = (pid: number): boolean => {
  try {
    return process.kill(pid, 0);
  } catch {
    return false;
  }
};

describe('a program that becomes another one', () => {
  it('has its new environment, and the processes of before end by themselves', async () => {
    const { live, exec, ask } = await start({ environment: { DAY: 'one' } });
    const before = exec.pool.pids;
    expect(await ask('environment')).toMatchObject({ seen: { DAY: 'one' } });
    live.set(execOptions({ environment: { DAY: 'two' }, processes: 2 }));
    await eventually(async () => expect(await ask('environment')).toMatchObject({ seen: { DAY: 'two' } }));
    expect(exec.pool.pids).toHaveLength(2);
    await eventuallyTrue(() => before.every((pid) => !isAlive(pid)));
  });

  it('answers what the processes of before did not', async () => {
    const { live, exec, ask } = await start();
    const [before] = exec.pool.pids;
    const asked = ask('silent');
    let outcome = 'none';
    asked.then(
      () => {
        outcome = 'answered';
      },
      (cause: Error) => {
        outcome = cause.message;
      },
    );
    live.set(execOptions({ environment: { DAY: 'two' } }));
    await eventuallyTrue(() => exec.pool.pids.length === 1 && exec.pool.pids[0] !== before);
    // Its end of input is the end of that program; the question goes to the new one, which is as silent.
    await eventuallyTrue(() => !isAlive(before ?? 0));
    expect(outcome).toBe('none');
    expect(await ask('nobody')).toEqual({ version: 1, result: 'unknown-user' });
  });

  it('stays what it was where the new one cannot be run, and the log says why', async () => {
    const { live, log, ask, exec } = await start();
    const before = exec.pool.pids;
    live.set(execOptions({ command: '/nowhere/at-all' }));
    await eventuallyTrue(() => log.lines.some(({ event }) => event === 'exec.settings-refused'));
    expect(log.lines.find(({ event }) => event === 'exec.settings-refused')?.message).toMatch(/there is no program/);
    expect([await ask('nobody'), exec.pool.pids]).toEqual([{ version: 1, result: 'unknown-user' }, before]);
  });

  it('is refused by a reload where it cannot be run', async () => {
    const wrong = execPlugin.checkHere?.(execOptions({ command: '/nowhere/at-all' }));
    expect(await wrong).toEqual([expect.stringMatching(/there is no program/)]);
    expect(await execPlugin.checkHere?.(execOptions())).toEqual([]);
  });

  it('is the last of several that came one after the other', async () => {
    const { live, ask } = await start();
    for (const DAY of ['two', 'three', 'four']) live.set(execOptions({ environment: { DAY } }));
    await eventually(async () => expect(await ask('environment')).toMatchObject({ seen: { DAY: 'four' } }));
  });

  it('is judged by its new kinds of proof and addresses', async () => {
    const { live, exec, ask } = await start();
    const before = exec.pool.pids;
    expect(exec.authenticator.supports('chap-md5')).toBe(false);
    const fixedAddresses = new Set(execOptions().fixedAddresses);
    live.set(execOptions({ proofs: ['chap-md5'], fixedAddresses }));
    expect(exec.authenticator.supports('chap-md5')).toBe(true);
    expect(exec.authenticator.reservedAddresses()).toBe(fixedAddresses);
    // Only the gateway looks at these: the processes stay.
    expect(await ask('nobody')).toEqual({ version: 1, result: 'unknown-user' });
    expect(exec.pool.pids).toEqual(before);
  });
});

it('all settings of exec are live but the one that is bound once', () => {
  const settings: Readonly<Record<string, Setting<unknown>>> = execSettings;
  const fixed = Object.entries(settings).flatMap(([name, { live }]) => (live === true ? [] : [name]));
  expect(fixed).toEqual(['traffic']);
});
