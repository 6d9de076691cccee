import { describe, expect, it } from 'vitest';
import { GatewayError } from '../../../../core/errors.ts';
import type { Ask } from '../../../../gateway/workers/ask.ts';
import { fakeSocket } from '../../../support/fake-socket.ts';
import { settle, supervisorBench } from '../../../support/supervisor-bench.ts';

describe('the start of a gateway of several processes', () => {
  it('tells each worker its share, and listens when all are there', async () => {
    const { supervisor, workers, port, config, log } = supervisorBench(3);
    workers.onFork = () => undefined;
    const started = supervisor.start();
    await settle();
    expect(workers.all.map(({ heard }) => heard)).toEqual(
      [0, 1, 2].map((index) => [
        { kind: 'start', start: { shard: { index, count: 3 }, config, version: '1.2.3', restarts: 0 } },
      ]),
    );
    for (const index of [2, 0]) workers.of(index).ready();
    await settle();
    expect(port.taker).toBeUndefined();
    workers.of(1).ready();
    await started;
    expect(port.taker).toBeDefined();
    expect(log.events('info')).toEqual(['worker.ready', 'worker.ready', 'worker.ready', 'control.listening']);
  });

  it('fails with the error of a worker that fails, and ends the others', async () => {
    const { supervisor, workers, port } = supervisorBench(3);
    workers.onFork = (worker) => {
      if (worker.index !== 1) return worker.ready();
      worker.says({ kind: 'failed', code: 'GRE_SOCKET', message: 'no GRE here: load the module' });
      worker.end(1);
    };
    const failed = expect(supervisor.start()).rejects.toEqual(
      new GatewayError('GRE_SOCKET', 'no GRE here: load the module'),
    );
    await settle();
    expect(workers.of(0).kinds).toEqual(['start', 'stop']);
    workers.of(0).end(0);
    workers.of(2).end(0);
    await failed;
    expect(port.stopped).toBe(false);
    expect(workers.all).toHaveLength(3);
  });

  it.each([
    ['by SIGILL', (): readonly [null, string] => [null, 'SIGILL']],
    ['with exit code 9', (): readonly [number] => [9]],
  ])('says how a worker ended that said nothing: %s', async (how, end: () => readonly [number | null, string?]) => {
    const { supervisor, workers } = supervisorBench();
    workers.onFork = (worker) => worker.end(...end());
    await expect(supervisor.start()).rejects.toMatchObject({
      code: 'WORKER_FAILED',
      message: expect.stringContaining(`worker 0 ended ${how} while it was starting`),
    });
  });

  it('fails when the host has no room for a process', async () => {
    const { supervisor, workers } = supervisorBench();
    workers.full = 'spawn ENOMEM';
    await expect(supervisor.start()).rejects.toMatchObject({
      code: 'WORKER_FAILED',
      message: expect.stringContaining('spawn ENOMEM'),
    });
  });

  it('fails when a worker is not ready after a minute, which is killed', async () => {
    const { supervisor, workers, clock } = supervisorBench(2);
    workers.onFork = (worker) => {
      if (worker.index === 0) worker.ready();
    };
    const failed = expect(supervisor.start()).rejects.toMatchObject({
      code: 'WORKER_FAILED',
      message: expect.stringContaining('it has not started within 60 s'),
    });
    await settle();
    for (let i = 0; i < 30; i += 1) {
      clock.advance(2000);
      for (const { id } of workers.of(0).heard.filter((message) => message.kind === 'ping')) {
        workers.of(0).says({ kind: 'pong', id, sessions: 0 });
      }
    }
    await settle();
    expect(workers.of(1).killed).toBe(true);
    workers.of(0).end(0);
    await failed;
  });

  it('fails when the port is taken, with all workers ended', async () => {
    const { supervisor, workers, port } = supervisorBench();
    port.fails = new GatewayError('PORT_TAKEN', 'TCP 1723 is in use');
    const failed = expect(supervisor.start()).rejects.toMatchObject({ code: 'PORT_TAKEN' });
    await settle();
    for (const worker of workers.all) worker.end(0);
    await failed;
    expect(workers.all.map(({ kinds }) => kinds)).toEqual([
      ['start', 'stop'],
      ['start', 'stop'],
    ]);
  });

  it('that is broken off ends with all workers ended, and listens never', async () => {
    const { supervisor, workers, port } = supervisorBench();
    workers.onFork = () => undefined;
    const started = supervisor.start().catch((cause: unknown) => cause);
    await settle();
    const stopped = supervisor.stop();
    workers.of(0).ready();
    for (const worker of workers.all) worker.end(0);
    await stopped;
    await started;
    expect(port.taker).toBeUndefined();
    expect(workers.all).toHaveLength(2);
  });
});

describe('the stop', () => {
  it('takes no more connections, has all workers clear their calls, and waits for them', async () => {
    const { supervisor, workers, port, up, connect } = supervisorBench();
    await up();
    const { taker } = port;
    let stopped = false;
    const stop = supervisor.stop().then(() => {
      stopped = true;
    });
    expect(port.stopped).toBe(true);
    expect(workers.all.map(({ kinds }) => kinds.at(-1))).toEqual(['stop', 'stop']);
    const late = fakeSocket('198.51.100.7');
    taker?.take(late);
    expect(late.destroyed).toBe(true);
    workers.of(0).end(0);
    await settle();
    expect(stopped).toBe(false);
    workers.of(1).end(0);
    await stop;
    connect();
    expect(workers.all).toHaveLength(2);
  });

  it('kills who has not stopped after 20 s', async () => {
    const { supervisor, workers, up, clock, log } = supervisorBench();
    await up();
    const stop = supervisor.stop();
    workers.of(0).end(0);
    await settle();
    clock.advance(20_000);
    await stop;
    expect(workers.all.map(({ killed }) => killed)).toEqual([false, true]);
    expect(log.events('error')).toEqual(['worker.stuck']);
    expect(clock.scheduled).toBe(0);
  });

  it('starts nothing again: not what dies meanwhile, nor what was due', async () => {
    const { supervisor, workers, up, clock, log } = supervisorBench();
    await up();
    for (let i = 0; i < 2; i += 1) {
      workers.of(0).end(1);
      await settle();
      clock.advance(0);
      await settle();
    }
    // Worker 0 waits for its next life.
    const stop = supervisor.stop();
    workers.of(1).end(null, 'SIGINT');
    await stop;
    clock.advance(60_000);
    expect(workers.all).toHaveLength(3);
    expect(log.events('error')).toEqual(['worker.died', 'worker.died']);
    expect(clock.scheduled).toBe(0);
  });

  it('at once kills them all', async () => {
    const { supervisor, workers, up } = supervisorBench();
    await up();
    supervisor.kill();
    expect(workers.all.map(({ killed }) => killed)).toEqual([true, true]);
  });
});

describe('what others have to say to a worker', () => {
  const isText = (value: unknown): value is string => typeof value === 'string';
  const NAME: Ask<string, string> = { name: 'name', isBody: isText, isAnswer: isText };

  it('is said when it has started, before its first connection, in each of its lives', async () => {
    const { supervisor, workers, clock, port, connect } = supervisorBench();
    const told: string[] = [];
    let go: () => void = () => undefined;
    supervisor.onStarted(async (worker) => {
      told.push(`started ${worker.index} ${worker.alive}`);
      const answer = worker.request(NAME, 'who?');
      const { heard } = workers.of(worker.index);
      const request = heard.find((message) => message.kind === 'request');
      workers.of(worker.index).says({ kind: 'response', id: request?.id ?? 0, ok: true, body: 'me' });
      told.push(await answer);
      if (told.length > 4) {
        await new Promise<void>((resolve) => {
          go = resolve;
        });
      }
    });
    supervisor.onEnded(({ index, alive }) => void told.push(`ended ${index} ${alive}`));
    await supervisor.start();
    expect(port.taker).toBeDefined();
    workers.of(0).end(1);
    await settle();
    clock.advance(0);
    await settle();
    connect();
    expect(workers.of(0).sockets.size).toBe(0);
    go();
    await settle();
    connect();
    expect(workers.of(0).sockets.size).toBe(1);
    expect(told.toSorted()).toEqual([
      'ended 0 false',
      'me',
      'me',
      'me',
      'started 0 true',
      'started 0 true',
      'started 1 true',
    ]);
  });

  it('is repaired when it fails: the worker begins another life', async () => {
    const { supervisor, workers, up, clock, log } = supervisorBench();
    await up();
    let fails = true;
    supervisor.onStarted(() => (fails ? Promise.reject(new Error('it knows nothing')) : undefined));
    workers.onFork = (worker) => worker.ready();
    workers.of(0).end(1);
    await settle();
    clock.advance(0);
    await settle();
    await settle();
    expect(log.lines.findLast(({ event }) => event === 'worker.died')?.message).toContain('it knows nothing');
    fails = false;
    clock.advance(1000);
    await settle();
    expect(supervisor.workers[0]?.alive).toBe(true);
  });

  it('is refused while there is no such process, and when it ends before it has answered', async () => {
    const { supervisor, workers, up } = supervisorBench();
    const [worker] = supervisor.workers;
    await expect(worker?.request(NAME, 'x')).rejects.toMatchObject({ code: 'GONE' });
    await up();
    const asked = expect(worker?.request(NAME, 'x')).rejects.toMatchObject({ code: 'GONE' });
    workers.of(0).end(1);
    await asked;
  });

  it('is asked by workers, too', async () => {
    const { supervisor, workers, up } = supervisorBench();
    supervisor.answer(NAME, (body, from) => `${body} from ${from}`);
    await up();
    workers.of(1).says({ kind: 'request', id: 4, ask: 'name', body: 'hello' });
    await settle();
    expect(workers.of(1).heard.at(-1)).toEqual({ kind: 'response', id: 4, ok: true, body: 'hello from 1' });
  });

  it('garbage of a worker is a line in the log', async () => {
    const { workers, up, log } = supervisorBench();
    await up();
    workers.of(1).utters({ kind: 'ready' });
    workers.of(1).utters('hello');
    expect(log.events('warn')).toEqual(['worker.garbage', 'worker.garbage']);
  });
});

it('connections from the server that worker 0 dials go there', async () => {
  const { workers, up, connect } = supervisorBench();
  await up();
  connect();
  // 203.0.113.5
  workers.of(0).says({ kind: 'request', id: 1, ask: 'dialled-server', body: 0xcb007105 });
  await settle();
  expect(workers.of(0).heard.at(-1)).toEqual({ kind: 'response', id: 1, ok: true, body: undefined });
  connect('203.0.113.5');
  expect(workers.of(0).sockets.size).toBe(2);
});
