import { describe, expect, it } from 'vitest';
import { loadConfig } from '../../../../config/load.ts';
import type { GatewayConfig } from '../../../../config/types.ts';
import { CrewBody } from '../../../../gateway/workers/crew-body.ts';
import { Supervisor } from '../../../../gateway/workers/supervisor.ts';
import { silentTelemetry } from '../../../support/batches.ts';
import { type FakeWorker, FakeWorkers } from '../../../support/fake-workers.ts';
import { testLife } from '../../../support/life.ts';
import { ManualClock } from '../../../support/manual-clock.ts';
import { MemoryLog } from '../../../support/memory-log.ts';

const settle = (): Promise<void> => new Promise((resolve) => setImmediate(resolve));

/** Orders that a worker has heard and not answered. */
const open = (worker: FakeWorker, answered: Set<number>) =>
  worker.heard.flatMap((message) =>
    message.kind === 'request' && message.ask === 'life' && !answered.has(message.id) ? [message] : [],
  );

const bench = async () => {
  const clock = new ManualClock();
  const log = new MemoryLog();
  const workers = new FakeWorkers();
  const source = { listening: undefined, start: async () => undefined, stop: async () => undefined };
  const { config } = loadConfig({ env: { PPTP_WORKERS: '2' } });
  const supervisor = new Supervisor(
    { clock, log, telemetry: silentTelemetry, fork: workers.fork, source },
    config,
    '1.2.3',
  );
  const enforced: GatewayConfig[] = [];
  const own = {
    complete: (read: GatewayConfig): GatewayConfig => ({ ...read, hostName: 'completed' }),
    enforce: (read: GatewayConfig) => void enforced.push(read),
  };
  const life = testLife({ clock, log, body: new CrewBody(supervisor, clock, own), starting: true });
  workers.onFork = (worker) => worker.ready();
  await supervisor.start();
  workers.onFork = () => undefined;
  life.started();
  let over = false;
  void life.over.then(() => {
    over = true;
  });
  const answered = new Map<FakeWorker, Set<number>>();
  const seen = (worker: FakeWorker): Set<number> => {
    const known = answered.get(worker) ?? new Set<number>();
    answered.set(worker, known);
    return known;
  };
  /** The worker answers everything that it was told, and says how many calls it has. Returns what it was told. */
  const answer = async (index: number, sessions: number): Promise<readonly unknown[]> => {
    const worker = workers.of(index);
    const orders = open(worker, seen(worker));
    for (const { id } of orders) {
      seen(worker).add(id);
      worker.says({ kind: 'response', id, ok: true, body: sessions });
    }
    await settle();
    return orders.map(({ body }) => body);
  };
  /** As `answer`, of questions about a configuration. `refused`: what is wrong with it. */
  const judge = async (index: number, refused?: string): Promise<readonly string[]> => {
    const worker = workers.of(index);
    const asks = worker.heard.flatMap((message) =>
      message.kind === 'request' && message.ask === 'reload' && !seen(worker).has(message.id) ? [message] : [],
    );
    for (const { id } of asks) {
      seen(worker).add(id);
      worker.says(
        refused === undefined
          ? { kind: 'response', id, ok: true, body: undefined }
          : { kind: 'response', id, ok: false, code: 'CONFIG_INVALID', message: refused },
      );
    }
    await settle();
    return asks.map(({ body }) =>
      typeof body === 'object' && body !== null ? String(Reflect.get(body, 'order')) : '',
    );
  };
  return { clock, log, workers, supervisor, life, answer, judge, config, enforced, isOver: () => over };
};

describe('the life of a gateway of several processes', () => {
  it('counts the calls of all workers, as they say with each answer to a ping', async () => {
    const { workers, life } = await bench();
    workers.of(0).says({ kind: 'pong', id: 1, sessions: 3 });
    workers.of(1).says({ kind: 'pong', id: 1, sessions: 4 });
    expect(life.view().sessions).toBe(7);
    workers.of(1).end(1);
    await settle();
    expect(life.view().sessions).toBe(3);
  });

  it('waits for what each worker says before it takes the gateway for empty', async () => {
    const { life, answer, isOver } = await bench();
    life.drain({ stop: true }, 'SIGTERM', true);
    expect(await answer(0, 0)).toEqual([{ order: 'refuse' }]);
    expect(isOver()).toBe(false);
    expect(await answer(1, 2)).toEqual([{ order: 'refuse' }]);
    await settle();
    expect([life.view().phase, life.view().sessions, isOver()]).toEqual(['draining', 2, false]);
  });

  it('asks again while calls are refused, and ends with the last of them', async () => {
    const { clock, life, answer, isOver } = await bench();
    life.drain({ stop: true }, 'SIGTERM', true);
    await answer(0, 0);
    await answer(1, 1);
    clock.advance(250);
    expect(await answer(0, 0)).toEqual([{ order: 'look' }]);
    expect(await answer(1, 0)).toEqual([{ order: 'look' }]);
    await settle();
    expect(isOver()).toBe(true);
  });

  it('has every worker end its tunnels at the deadline', async () => {
    const { clock, life, answer } = await bench();
    life.drain({ seconds: 1, stop: true }, 'ann');
    await answer(0, 1);
    await answer(1, 1);
    clock.advance(999);
    await answer(0, 1);
    await answer(1, 1);
    clock.advance(1);
    const told = { order: 'end', reason: 'shutdown', detail: 'the gateway stops' };
    expect(await answer(0, 1)).toContainEqual(told);
    expect(await answer(1, 1)).toContainEqual(told);
  });

  it('does not start a worker again that dies meanwhile, but when calls are taken again', async () => {
    const { clock, log, life, workers, answer, isOver } = await bench();
    life.drain({ seconds: 60 }, 'ann');
    await answer(0, 1);
    await answer(1, 1);
    workers.of(1).end(null, 'SIGSEGV');
    await settle();
    clock.advance(5_000);
    await settle();
    expect(workers.all).toHaveLength(2);
    expect(log.lines.find(({ event }) => event === 'worker.died')?.message).toMatch(/not started again$/);
    expect(life.resume('ann')).toMatchObject({ phase: 'ready' });
    clock.advance(0);
    await settle();
    expect(workers.all).toHaveLength(3);
    expect(isOver()).toBe(false);
  });

  it('brings a configuration into force when every worker has checked it, and gives it to those that start later', async () => {
    const { clock, life, workers, judge, config, enforced } = await bench();
    const done = life.prepare({ ...config, vendor: 'another' }, 'ann').then((commit) => commit());
    expect(await judge(0)).toEqual(['prepare']);
    expect([enforced.length, workers.of(0).heard.length > 0]).toEqual([0, true]);
    expect(await judge(1)).toEqual(['prepare']);
    expect([await judge(0), await judge(1)]).toEqual([['commit'], ['commit']]);
    await done;
    expect(enforced).toMatchObject([{ vendor: 'another', hostName: 'completed' }]);
    workers.of(1).end(null, 'SIGSEGV');
    await settle();
    clock.advance(0);
    await settle();
    const again = workers.of(1).heard[0];
    expect(again?.kind === 'start' ? again.start.config.vendor : '').toBe('another');
  });

  it('gives it to a worker, too, that came up again while the others looked at it', async () => {
    const { clock, life, workers, judge, config } = await bench();
    const done = life.prepare({ ...config, vendor: 'another' }, 'ann').then((commit) => commit());
    workers.of(1).end(null, 'SIGSEGV');
    await settle();
    clock.advance(0);
    await settle();
    workers.of(1).ready();
    await settle();
    expect(await judge(0)).toEqual(['prepare']);
    expect(await judge(0)).toEqual(['commit']);
    // It has looked at nothing yet.
    expect(await judge(1, 'there is no configuration to bring into force')).toEqual(['commit']);
    expect(await judge(1)).toEqual(['prepare']);
    expect(await judge(1)).toEqual(['commit']);
    await done;
  });

  it('brings it into force nowhere when one worker finds something wrong', async () => {
    const { life, judge, config, enforced } = await bench();
    const refusal = life.prepare({ ...config, vendor: 'another' }, 'ann').catch((cause: unknown) => cause);
    await judge(0, 'there is no such method here');
    await judge(1, 'there is no such method here\nnor such a program');
    expect([await judge(0), await judge(1)]).toEqual([['forget'], ['forget']]);
    expect(await refusal).toMatchObject({
      code: 'CONFIG_INVALID',
      message: 'the configuration has 2 problems:\n  there is no such method here\n  nor such a program',
    });
    expect(enforced).toEqual([]);
  });

  it('has a worker refuse calls that comes up during the drain', async () => {
    const { clock, life, workers, answer } = await bench();
    workers.of(1).end(null, 'SIGSEGV');
    await settle();
    clock.advance(0);
    await settle();
    expect(workers.all).toHaveLength(3);
    life.drain({ seconds: 60 }, 'ann');
    workers.of(1).ready();
    await settle();
    expect(await answer(1, 0)).toEqual([{ order: 'refuse' }]);
  });
});
