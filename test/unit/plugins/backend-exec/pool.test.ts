import { readFileSync } from 'node:fs';
import { mkdtemp, rm } from 'node:fs/promises';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { afterEach, describe, expect, it } from 'vitest';
import { ExecFault } from '../../../../plugins/backend-exec/fault.ts';
import type { ExecOptions } from '../../../../plugins/backend-exec/index.ts';
import { Pool } from '../../../../plugins/backend-exec/pool.ts';
import { Worker } from '../../../../plugins/backend-exec/worker.ts';
import { EXEC_PROGRAM, execOptions } from '../../../support/exec-options.ts';
import { ManualClock } from '../../../support/manual-clock.ts';
import { MemoryLog } from '../../../support/memory-log.ts';

const open: (() => Promise<void>)[] = [];
afterEach(async () => {
  for (const close of open.splice(0)) await close();
});
const never = (): AbortSignal => new AbortController().signal;

const start = (changes: Partial<ExecOptions> = {}) => {
  const clock = new ManualClock();
  const log = new MemoryLog();
  const pool = new Pool(execOptions(changes), clock, log);
  pool.start();
  open.push(() => pool.stop());
  const ask = (user: string, signal = never(), proof: object = {}) => pool.ask({ user, proof: { ...proof } }, signal);
  /** Waits until the log has so many lines of this event. */
  const logged = async (event: string, count: number): Promise<readonly unknown[]> => {
    const found = () => log.lines.filter((line) => line.event === event);
    while (found().length < count) await new Promise((resolve) => setImmediate(resolve));
    return found().map(({ fields, message }) => ({ message, ...fields }));
  };
  return { clock, log, pool, ask, logged };
};

const faultOf = async (asking: Promise<unknown>): Promise<string> => {
  try {
    return `no fault: ${JSON.stringify(await asking)}`;
  } catch (cause) {
    return cause instanceof ExecFault ? cause.code : String(cause);
  }
};

describe('the program', () => {
  it('answers, and sees nothing of our environment', async () => {
    const { ask } = start({ environment: { LANG: 'C.UTF-8' } });
    expect(await ask('nobody')).toEqual({ version: 1, result: 'unknown-user' });
    expect(await ask('environment')).toMatchObject({ seen: { LANG: 'C.UTF-8' } });
    expect(Object.keys(((await ask('environment')) as { seen: object }).seen)).toEqual(['LANG']);
  });

  it('may answer in any order', async () => {
    const { ask } = start();
    const answers = ['a', 'b', 'c'].map((password) => ask('backwards', never(), { password }));
    expect(await Promise.all(answers)).toMatchObject([{ identity: 'a' }, { identity: 'b' }, { identity: 'c' }]);
  });

  it('runs as often as it shall, and gets as many questions at a time as it may', async () => {
    const { ask, pool } = start({ processes: 3, perProcess: 1, queue: 1 });
    expect(new Set(pool.pids).size).toBe(3);
    const held = [1, 2, 3].map(() => faultOf(ask('silent')));
    const waits = faultOf(ask('nobody'));
    expect(await faultOf(ask('nobody'))).toBe('EXEC_BUSY');
    await pool.stop();
    expect(await Promise.all([...held, waits])).toEqual(Array(4).fill('EXEC_CANCELLED'));
  });

  it('is killed when it owes an answer for too long; others wait for its successor', async () => {
    const { clock, ask, pool, logged } = start({ perProcess: 1 });
    const [first] = pool.pids;
    const silent = faultOf(ask('silent'));
    clock.advance(4_000);
    const next = ask('nobody');
    clock.advance(1_000);
    expect(await silent).toBe('EXEC_TIMEOUT');
    const [line] = await logged('exec.ended', 1);
    expect(line).toMatchObject({
      message: expect.stringContaining('more than 5 seconds to answer'),
      pid: first,
      againInMs: 0,
    });
    clock.advance(0);
    expect(await next).toEqual({ version: 1, result: 'unknown-user' });
    expect(pool.pids).not.toContain(first);
  });

  it('that dies of a question costs others only the time to ask again', async () => {
    const folder = await mkdtemp(join(tmpdir(), 'exec-'));
    open.push(() => rm(folder, { recursive: true }));
    const { ask, clock, logged } = start({ processes: 2, arguments: [EXEC_PROGRAM, join(folder, 'first')] });
    expect(await ask('dies-once')).toMatchObject({ result: 'accept' });
    expect(await logged('exec.ended', 1)).toMatchObject([{ message: expect.stringContaining('status 4') }]);
    clock.advance(0);
    const fault = faultOf(ask('dies'));
    await logged('exec.ended', 3);
    expect(await fault).toBe('EXEC_DOWN');
  });

  it('is started again ever later when it dies again and again', async () => {
    const { clock, pool, logged } = start();
    const pauses: unknown[] = [];
    const die = async (death: number): Promise<void> => {
      const [pid] = pool.pids;
      if (pid === undefined) throw new Error('it does not run');
      process.kill(pid, 'SIGKILL');
      const { againInMs } = (await logged('exec.ended', death))[death - 1] as { againInMs: number };
      pauses.push(againInMs);
      clock.advance(againInMs);
    };
    for (let death = 1; death <= 10; death += 1) await die(death);
    expect(pauses).toEqual([0, 250, 500, 1_000, 2_000, 4_000, 8_000, 16_000, 30_000, 30_000]);
    // Who lives for a minute has a fresh start.
    clock.advance(60_000);
    await die(11);
    expect(pauses.at(-1)).toBe(0);
  });

  it.each(['junk', 'no-id', 'long', 'endless', 'ahead', 'between'])(
    'is killed when it is out of step (%s)',
    async (user) => {
      const { clock, ask, logged } = start();
      const fault = faultOf(ask(user));
      const [line] = await logged('exec.ended', 1);
      expect(line).toMatchObject({ message: expect.stringMatching(/is no answer|a line of more than/) });
      clock.advance(0);
      await logged('exec.ended', 2);
      expect(await fault).toBe('EXEC_DOWN');
    },
  );

  it('is heard once about each question', async () => {
    const { ask } = start();
    expect(await ask('twice')).toMatchObject({ result: 'reject' });
    expect(await ask('nobody')).toEqual({ version: 1, result: 'unknown-user' });
  });

  it('takes its children with it, also those that hold its output', async () => {
    const { ask, logged } = start();
    const { identity } = (await ask('leaves')) as { identity: string };
    await logged('exec.ended', 1);
    // A zombie is gone, too, whenever its new parent looks.
    const gone = (): boolean => {
      try {
        return / [ZX] /.test(readFileSync(`/proc/${identity}/stat`, 'latin1'));
      } catch {
        return true;
      }
    };
    while (!gone()) await new Promise((resolve) => setImmediate(resolve));
  });

  it('is replaced also where what it leaves behind escaped, and holds its output open', async () => {
    const { ask, clock, pool, logged } = start();
    const [first] = pool.pids;
    const { identity } = (await ask('escapes')) as { identity: string };
    open.push(() => Promise.resolve(void process.kill(Number(identity), 'SIGKILL')));
    while (clock.scheduled === 0) await new Promise((resolve) => setImmediate(resolve));
    const next = ask('nobody');
    clock.advance(1_000);
    expect(await logged('exec.ended', 1)).toMatchObject([{ message: expect.stringContaining('status 0'), pid: first }]);
    clock.advance(0);
    expect(await next).toEqual({ version: 1, result: 'unknown-user' });
    expect(pool.pids).not.toContain(first);
  });

  it('gets no further question when it is about to be killed', async () => {
    const clock = new ManualClock();
    const events: string[] = [];
    const ended = new Promise<void>((resolve) => {
      const worker = new Worker(execOptions({ perProcess: 1 }), clock, {
        free: () => events.push('free'),
        ended: () => {
          events.push('ended');
          resolve();
        },
        said: () => undefined,
      });
      void faultOf(worker.ask({ user: 'silent' }));
    });
    clock.advance(5_000);
    await ended;
    expect(events).toEqual(['ended']);
  });

  it('is not waited for when nobody wants the answer; its room comes back with the answer alone', async () => {
    const { ask } = start({ perProcess: 3, queue: 0 });
    const caller = new AbortController();
    const asked = [1, 2].map((n) => faultOf(ask('backwards', caller.signal, { password: `${n}` })));
    caller.abort();
    expect(await Promise.all(asked)).toEqual(['EXEC_CANCELLED', 'EXEC_CANCELLED']);
    expect(await faultOf(ask('nobody', caller.signal))).toBe('EXEC_CANCELLED');
    const third = ask('backwards', never(), { password: '3' });
    expect(await faultOf(ask('nobody'))).toBe('EXEC_BUSY');
    expect(await third).toMatchObject({ identity: '3' });
    expect(await ask('nobody')).toMatchObject({ result: 'unknown-user' });
  });

  it('may talk to the log, within a budget', async () => {
    const { ask, log, logged } = start();
    await ask('talks');
    const said = await logged('exec.said', 20);
    expect(said.slice(0, 2)).toMatchObject([{ message: 'line 1 .' }, { message: 'line 2 .' }]);
    expect(log.lines.length).toBe(20);
  });

  // Node tells the first by an event; the second it throws, as it does for a program that is being written (ETXTBSY).
  it.each([
    ['/nowhere/at-all', 'ENOENT'],
    ['/dev/null/at-all', 'ENOTDIR'],
  ])('that cannot be started is tried again (%s)', async (command, code) => {
    const { clock, logged } = start({ command });
    await logged('exec.ended', 1);
    clock.advance(0);
    const lines = await logged('exec.ended', 2);
    expect(lines).toMatchObject([{ message: expect.stringContaining(code), againInMs: 0 }, { againInMs: 250 }]);
  });

  it('does not start once it was stopped', async () => {
    const pool = new Pool(execOptions(), new ManualClock(), new MemoryLog());
    await pool.stop();
    pool.start();
    expect(pool.pids).toEqual([]);
    expect(await faultOf(pool.ask({}, never()))).toBe('EXEC_CANCELLED');
  });
});
