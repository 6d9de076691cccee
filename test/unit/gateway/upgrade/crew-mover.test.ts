import type { Socket } from 'node:net';
import { describe, expect, it } from 'vitest';
import { CrewMover, type MovedSlot } from '../../../../gateway/upgrade/crew-mover.ts';
import { AskError } from '../../../../gateway/workers/ask.ts';
import type { OwnDescriptor } from '../../../../gateway/workers/descriptor-pipe.ts';
import { fakeSocket } from '../../../support/fake-socket.ts';

type Moved = Parameters<ConstructorParameters<typeof CrewMover>[0]['supervisor']['onMoved']>[0];

/** A worker of which only the questions are there. */
class Worker implements MovedSlot {
  readonly asked: string[] = [];
  readonly closed: number[] = [];
  readonly pid: number;
  readonly restarts = 0;
  takes = true;
  readonly alive = true;
  answers: Readonly<Record<string, () => unknown>> = {};
  /** It says something before it answers. */
  says: (ask: string) => void = () => undefined;

  constructor(readonly index: number) {
    this.pid = 100 + index;
  }

  async request<Body, Answer>(ask: { readonly name: string; isAnswer(value: unknown): value is Answer }, _body: Body) {
    this.asked.push(ask.name.replace('upgrade.', ''));
    this.says(ask.name);
    const answer = this.answers[ask.name]?.();
    if (!ask.isAnswer(answer)) throw new Error(`no answer to ${ask.name}`);
    return answer;
  }

  descriptors(): readonly OwnDescriptor[] {
    return [10, 11].map((at) => 10 * this.index + at).map((fd) => ({ fd, close: () => void this.closed.push(fd) }));
  }
}

const A = 0x0a630007;
const B = 0x0a630107;
const CLOCK = { now: 1, host: 2 };

const bench = () => {
  const workers = [new Worker(0), new Worker(1)];
  const steps: string[] = [];
  let moved: Moved = () => undefined;
  let ended: (worker: Worker) => void = () => undefined;
  const supervisor = {
    workers,
    onMoved: (listener: Moved) => {
      moved = listener;
    },
    onEnded: (listener: typeof ended) => {
      ended = listener;
    },
    holdWorkers: (held: boolean) => void steps.push(`${held ? 'hold' : 'let go of'} workers`),
    holdConnections: (held: boolean) => void steps.push(`${held ? 'hold' : 'let go of'} connections`),
    leave: async () => void steps.push('leave'),
  };
  const loans = [
    { address: A, identity: 'anna', loan: 1, borrower: 0 },
    // On its way home: its tunnel has ended.
    { address: B, identity: 'bela', loan: 4, borrower: 1 },
  ];
  const mover = new CrewMover({
    supervisor,
    loans: { snapshot: () => loans as never },
    ownerOf: (address) => (address === A ? 1 : 0),
    listener: { listener: undefined },
  });
  const say = (worker: Worker, body: unknown, handle?: Socket): void => moved(worker as never, body, handle);
  for (const worker of workers) {
    worker.answers = {
      'upgrade.look': () => [],
      'upgrade.settle': () => undefined,
      'upgrade.bequeath': () => ({ tun: `off pptp${worker.index}`, gre: '1 1', clock: CLOCK }),
      'upgrade.rest': () => undefined,
      'upgrade.take': () => ({
        tunnels: 1,
        setups: worker.index,
        callIds: { resting: [worker.index] },
        networks: [`10.${worker.index}.0.0/16`],
        borrowed: worker.index === 0 ? [{ address: A, loan: 1 }] : [],
      }),
      'upgrade.release': () => undefined,
      'upgrade.go-on': () => undefined,
    };
  }
  return { workers, steps, mover, say, end: (worker: Worker | undefined) => worker !== undefined && ended(worker) };
};

describe('a gateway of several workers that is handed over', () => {
  it('gives the new process the devices of all, each at its place, and closes its copies', async () => {
    const { mover, workers, steps } = bench();
    const { fds, bequest, forked } = await mover.bequeath();
    expect(fds).toEqual([10, 11, 20, 21]);
    expect(bequest(4)).toEqual({
      workers: [0, 1].map((index) => ({
        pid: 100 + index,
        restarts: 0,
        clock: CLOCK,
        tun: { fd: 4 + 2 * index, about: `off pptp${index}` },
        gre: { fd: 5 + 2 * index, about: '1 1' },
      })),
    });
    expect(workers.map(({ closed }) => closed)).toEqual([[], []]);
    forked();
    expect(workers.map(({ closed }) => closed)).toEqual([
      [10, 11],
      [20, 21],
    ]);
    expect(steps).toEqual(['hold workers']);
  });

  it('passes on what each has, and of loans those that a tunnel has', async () => {
    const { mover, workers, steps, say } = bench();
    const socket = fakeSocket('198.51.100.7');
    for (const worker of workers) {
      worker.says = (ask) => {
        if (ask === 'upgrade.take' && worker.index === 1) say(worker, { kind: 'connection', connection: 'c' }, socket);
        if (ask === 'upgrade.take') say(worker, { kind: 'tunnels', tunnels: [worker.index] });
        if (ask === 'upgrade.release') say(worker, { kind: 'part', part: { name: 'ledger', state: worker.index } });
      };
    }
    const handed = await mover.take();
    expect([handed.tunnels, handed.setups]).toEqual([2, 1]);
    expect([...handed.messages()]).toEqual([
      { message: { kind: 'worker', worker: 0, part: { kind: 'tunnels', tunnels: [0] } } },
      { message: { kind: 'worker', worker: 1, part: { kind: 'connection', connection: 'c' } }, socket },
      { message: { kind: 'worker', worker: 1, part: { kind: 'tunnels', tunnels: [1] } } },
    ]);
    expect(await handed.release()).toEqual([
      { message: { kind: 'worker', worker: 0, part: { kind: 'part', part: { name: 'ledger', state: 0 } } } },
      { message: { kind: 'worker', worker: 1, part: { kind: 'part', part: { name: 'ledger', state: 1 } } } },
      {
        message: {
          kind: 'restore-crew',
          workers: [
            { callIds: { resting: [0] }, networks: ['10.0.0.0/16'], borrowed: [{ address: A, loan: 1 }], lent: [] },
            { callIds: { resting: [1] }, networks: ['10.1.0.0/16'], borrowed: [], lent: [A] },
          ],
          loans: [{ address: A, identity: 'anna', loan: 1, borrower: 0 }],
        },
      },
    ]);
    handed.check();
    expect(socket.destroyed).toBe(false);
    mover.leave();
    await mover.abandon();
    expect(socket.destroyed).toBe(true);
    expect(steps).toEqual(['hold connections', 'leave']);
  });

  it('goes on in all workers when one of them cannot be moved', async () => {
    const { mover, workers, steps } = bench();
    const [, second] = workers;
    if (second === undefined) throw new Error('there are two');
    second.answers = {
      ...second.answers,
      'upgrade.take': () => {
        throw new AskError('UPGRADE_REFUSED', 'Their peers do not read.');
      },
    };
    await mover.bequeath();
    await expect(mover.take()).rejects.toMatchObject({ code: 'UPGRADE_REFUSED', message: 'Their peers do not read.' });
    expect(await mover.goOn()).toBe(true);
    expect(workers.map(({ asked }) => asked)).toEqual([
      ['bequeath', 'take', 'go-on'],
      ['bequeath', 'take', 'go-on'],
    ]);
    expect(steps).toEqual(['hold workers', 'hold connections', 'let go of connections', 'let go of workers']);
  });

  it('is not handed over when a worker ends meanwhile, at whatever step', async () => {
    const waiting = bench();
    const [first] = waiting.workers;
    if (first !== undefined) first.says = () => waiting.end(first);
    await expect(waiting.mover.take()).rejects.toMatchObject({ code: 'UPGRADE_FAILED' });
    const later = bench();
    const handed = await later.mover.take();
    const [one] = later.workers;
    if (one !== undefined) one.takes = false;
    expect(() => handed.check()).toThrow('a worker ended');
    expect(await later.mover.goOn()).toBe(true);
    expect(await later.mover.goOn()).toBe(false);
  });

  it('says what speaks against it, once, and asks nobody while a worker is not there', async () => {
    const { mover, workers } = bench();
    for (const worker of workers) worker.answers = { ...worker.answers, 'upgrade.look': () => ['No.', 'Never.'] };
    expect(await mover.obstacles()).toEqual(['No.', 'Never.']);
    const [first] = workers;
    if (first !== undefined) first.takes = false;
    expect(await mover.obstacles()).toEqual(['Worker 0 is being started: ask again when it takes calls.']);
  });
});
