import { openSync } from 'node:fs';
import type { Socket } from 'node:net';
import { describe, expect, it } from 'vitest';
import type { MovedLoan } from '../../../../gateway/upgrade/crew-messages.ts';
import { CrewSuccessor } from '../../../../gateway/upgrade/crew-successor.ts';
import type { FromSuccessor } from '../../../../gateway/upgrade/messages.ts';
import { fakeSocket } from '../../../support/fake-socket.ts';
import { settle, supervisorBench } from '../../../support/supervisor-bench.ts';

class Failed extends Error {}

const REST = { callIds: undefined, networks: [], borrowed: [], lent: [] };
const PEER = 0xc6336407;
/** As much of a connection as the reader wants. */
const connection = {
  peerName: '198.51.100.7:1',
  local: 1,
  peer: PEER,
  since: undefined,
  hostName: undefined,
  vendorName: undefined,
  machine: undefined,
};

const bench = () => {
  const { supervisor, workers, config, log, port } = supervisorBench();
  const told: FromSuccessor[] = [];
  const steps: string[] = [];
  let hear: (message: unknown, handle?: unknown) => void = () => undefined;
  const loans: MovedLoan[] = [];
  const heritage = [0, 1].map((index) => ({
    pid: 50 + index,
    restarts: index,
    clock: { now: 5, host: 6 },
    tun: { fd: openSync('/dev/null', 'r'), about: `off pptp${index}` },
    gre: { fd: openSync('/dev/null', 'r'), about: '1 1' },
  }));
  const heir = new CrewSuccessor({
    successor: {
      before: { kind: 'hello', state: 1, version: '1', pid: 7, clock: { now: 1, host: 2 }, config: {} },
      hear: (listener) => {
        hear = listener;
      },
      tell: (message) => void told.push(message),
      nowServes: () => void steps.push('serves'),
      untilLeft: async () => void steps.push('left'),
      lifeLine: undefined,
      fail: (cause) => {
        throw new Failed(String(cause));
      },
    },
    heritage,
    supervisor,
    loans: { restore: (all) => void loans.push(...all) },
    listener: { inherit: () => void steps.push('listens') },
    config: { ...config, admin: { ...config.admin, port: 0 }, metrics: { ...config.metrics, port: 0 } },
    log,
  });
  const taken = heir.takeOver();
  taken.catch(() => undefined);
  const all = (body: unknown): void => {
    for (const worker of workers.all) worker.says({ kind: 'moved', body });
  };
  const bodies = (index: number): unknown[] =>
    workers.of(index).heard.flatMap((message) => (message.kind === 'moved' ? [message.body] : []));
  /** Until it has asked for the tunnels. */
  const opened = async (): Promise<void> => {
    workers.onFork = () => undefined;
    await expect.poll(() => workers.all.length).toBe(2);
    await settle();
    all({ step: 'open' });
    await expect.poll(() => told.at(-1)).toEqual({ kind: 'ready' });
  };
  return {
    heir,
    taken,
    workers,
    supervisor,
    port,
    told,
    steps,
    loans,
    heritage,
    opened,
    all,
    bodies,
    hear: (message: unknown, handle?: Socket) => hear(message, handle),
  };
};

const restored = { step: 'restored', tunnels: 1, failed: [] };
const order = { kind: 'restore-crew', workers: [REST, REST], loans: [] };

describe('a supervisor that takes over', () => {
  it('serves when all of its workers can go on, and not before', async () => {
    const { taken, workers, told, steps, opened, all, bodies, hear, heir, heritage, supervisor } = bench();
    await opened();
    expect(told).toEqual([{ kind: 'workers', pids: [1000, 1001] }, { kind: 'ready' }]);
    const starts = workers.all.map(({ heard }) => heard[0]);
    expect(starts).toEqual(
      [0, 1].map((index) => ({
        kind: 'start',
        start: expect.objectContaining({
          restarts: index,
          inherits: {
            ...heritage[index],
            tun: { fd: 5, about: `off pptp${index}` },
            gre: { fd: 6, about: '1 1' },
          },
        }),
      })),
    );
    hear({ kind: 'worker', worker: 1, part: { kind: 'tunnels', tunnels: ['t'] } });
    hear({ kind: 'worker', worker: 0, part: { kind: 'part', part: { name: 'ledger' } } });
    hear({ ...order, loans: [{ address: 9, loan: 2, borrower: 0, identity: 'anna' }] });
    await settle();
    expect(bodies(0)).toEqual([
      { step: 'part', part: { name: 'ledger' } },
      { step: 'restore', ...REST },
    ]);
    expect(bodies(1)).toEqual([
      { step: 'tunnels', tunnels: ['t'] },
      { step: 'restore', ...REST },
    ]);
    workers.of(0).says({ kind: 'moved', body: restored });
    await settle();
    expect(told).toHaveLength(2);
    workers.of(1).says({ kind: 'moved', body: { ...restored, tunnels: 2 } });
    await settle();
    expect(told.at(-1)).toEqual({ kind: 'restored', tunnels: 3, failed: [] });
    expect(steps).toEqual([]);
    hear({ kind: 'yours' });
    await taken;
    expect(steps).toEqual(['serves', 'left']);
    expect([bodies(0).at(-1), bodies(1).at(-1)]).toEqual([{ step: 'resume' }, { step: 'resume' }]);
    // They are as any worker from now on, when they are ready.
    heir.alone();
    const started = supervisor.start();
    for (const worker of workers.all) worker.ready();
    await started;
    expect(supervisor.workers.map(({ takes, restarts }) => [takes, restarts])).toEqual([
      [true, 0],
      [true, 1],
    ]);
    all({ step: 'open' });
    expect(workers.all).toHaveLength(2);
  });

  it('ends when one of its workers ends before it serves', async () => {
    const { taken, workers, opened, hear, steps } = bench();
    await opened();
    hear(order);
    await settle();
    workers.of(0).says({ kind: 'moved', body: restored });
    workers.of(1).says({ kind: 'failed', code: 'TUN_MISSING', message: 'there is none' });
    workers.of(1).end(1);
    await expect(taken).rejects.toThrow('there is none');
    expect(steps).toEqual([]);
  });

  it('ends when one of its workers ends while it begins to listen', async () => {
    const { taken, workers, opened, hear, all, steps, port } = bench();
    await opened();
    hear(order);
    await settle();
    all(restored);
    await settle();
    port.start = async () => {
      workers.of(1).end(null, 'SIGKILL');
      await settle();
    };
    hear({ kind: 'yours' });
    await expect(taken).rejects.toThrow('worker 1 ended');
    expect(steps).toEqual([]);
  });

  it('ends when what it is told is for another number of workers', async () => {
    const { taken, opened, hear } = bench();
    await opened();
    hear({ ...order, workers: [REST] });
    await expect(taken).rejects.toThrow('could not be read');
  });

  it('says which connections could not be read, and keeps no copy of them', async () => {
    const { opened, hear, told, all } = bench();
    await opened();
    const socket = fakeSocket('198.51.100.7');
    hear({ kind: 'worker', worker: 0, part: { kind: 'connection', connection } }, socket);
    hear(order);
    await settle();
    all(restored);
    await settle();
    expect(told.at(-1)).toEqual({ kind: 'restored', tunnels: 2, failed: ['unreadable'] });
    expect(socket.destroyed).toBe(true);
  });

  it('starts a worker again that ends when it serves, as ever', async () => {
    const { taken, workers, opened, hear, all, heir, supervisor } = bench();
    await opened();
    hear(order);
    await settle();
    all(restored);
    await settle();
    hear({ kind: 'yours' });
    await taken;
    workers.of(0).end(null, 'SIGKILL');
    await settle();
    heir.alone();
    const started = supervisor.start();
    workers.of(1).ready();
    await expect.poll(() => supervisor.workers[1]?.takes).toBe(true);
    expect(supervisor.workers[0]?.alive).toBe(false);
    void started;
  });
});
