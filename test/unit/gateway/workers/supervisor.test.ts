import type { Socket } from 'node:net';
import { describe, expect, it } from 'vitest';
import { loadConfig } from '../../../../config/load.ts';
import { GatewayError } from '../../../../core/errors.ts';
import type { Ask } from '../../../../gateway/workers/ask.ts';
import { Supervisor } from '../../../../gateway/workers/supervisor.ts';
import type { ConnectionSource, ConnectionTaker } from '../../../../plugins/control-pptp/index.ts';
import { silentTelemetry } from '../../../support/batches.ts';
import { fakeSocket } from '../../../support/fake-socket.ts';
import { FakeWorkers } from '../../../support/fake-workers.ts';
import { ManualClock } from '../../../support/manual-clock.ts';
import { MemoryLog } from '../../../support/memory-log.ts';

class Port implements ConnectionSource {
  taker: ConnectionTaker | undefined;
  fails: GatewayError | undefined;
  stopped = false;

  get listening() {
    return this.taker === undefined ? undefined : { address: '192.0.2.1', port: 1723 };
  }

  start(taker: ConnectionTaker): Promise<void> {
    if (this.fails !== undefined) return Promise.reject(this.fails);
    this.taker = taker;
    return Promise.resolve();
  }

  /** As node's: it waits for sockets that other processes have. */
  stop(): Promise<void> {
    this.stopped = true;
    this.taker = undefined;
    return new Promise(() => undefined);
  }
}

/** Every promise that is settled by now runs to its end. */
const settle = (): Promise<void> => new Promise((resolve) => setImmediate(resolve));

const bench = (count = 2) => {
  const clock = new ManualClock();
  const log = new MemoryLog();
  const workers = new FakeWorkers();
  const port = new Port();
  const { config } = loadConfig({ env: { PPTP_WORKERS: String(count) } });
  const deps = { clock, log, telemetry: silentTelemetry, fork: workers.fork, source: port };
  const supervisor = new Supervisor(deps, config, '1.2.3');
  workers.onFork = (worker) => worker.ready();
  const connect = (peer = '198.51.100.7'): Socket => {
    const socket = fakeSocket(peer);
    port.taker?.take(socket);
    return socket;
  };
  /** Lets each worker take what it was handed. */
  const takeAll = (): void => {
    for (const worker of workers.all.filter(({ ended }) => !ended)) {
      for (const connection of worker.sockets.keys()) worker.says({ kind: 'taken', connection });
    }
  };
  const up = async (): Promise<void> => {
    await supervisor.start();
    workers.onFork = () => undefined;
  };
  return { clock, log, workers, port, config, supervisor, connect, takeAll, up };
};

describe('the start of a gateway of several processes', () => {
  it('tells each worker its share, and listens when all are there', async () => {
    const { supervisor, workers, port, config, log } = bench(3);
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
    const { supervisor, workers, port } = bench(3);
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
    const { supervisor, workers } = bench();
    workers.onFork = (worker) => worker.end(...end());
    await expect(supervisor.start()).rejects.toMatchObject({
      code: 'WORKER_FAILED',
      message: expect.stringContaining(`worker 0 ended ${how} while it was starting`),
    });
  });

  it('fails when the host has no room for a process', async () => {
    const { supervisor, workers } = bench();
    workers.full = 'spawn ENOMEM';
    await expect(supervisor.start()).rejects.toMatchObject({
      code: 'WORKER_FAILED',
      message: expect.stringContaining('spawn ENOMEM'),
    });
  });

  it('fails when a worker is not ready after a minute, which is killed', async () => {
    const { supervisor, workers, clock } = bench(2);
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
    const { supervisor, workers, port } = bench();
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
    const { supervisor, workers, port } = bench();
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

describe('a worker that dies', () => {
  it('costs its connections and nobody else; it is started again at once, and gets what comes next', async () => {
    const { supervisor, workers, connect, takeAll, up, clock, log } = bench();
    await up();
    for (let i = 0; i < 4; i += 1) connect();
    takeAll();
    expect(supervisor.connectionCount).toBe(4);
    workers.of(0).end(null, 'SIGSEGV');
    await settle();
    expect(supervisor.connectionCount).toBe(2);
    expect(log.lines.find(({ event }) => event === 'worker.died')?.fields).toEqual({
      worker: 0,
      pid: 1000,
      connections: 2,
      code: null,
      signal: 'SIGSEGV',
      restartInMs: 0,
    });
    clock.advance(0);
    await settle();
    expect(workers.all).toHaveLength(3);
    expect(workers.of(0).heard).toEqual([
      { kind: 'start', start: expect.objectContaining({ shard: { index: 0, count: 2 }, restarts: 1 }) },
    ]);
    // Until it is ready the other one takes all.
    connect();
    expect(workers.of(1).sockets.size).toBe(3);
    workers.of(0).ready();
    await settle();
    connect();
    expect(workers.of(0).sockets.size).toBe(1);
    expect(workers.of(1).heard.some(({ kind }) => kind === 'stop')).toBe(false);
  });

  it('gives its connections that it had not taken to the next one', async () => {
    const { workers, connect, up } = bench();
    await up();
    const socket = connect();
    expect([...workers.of(0).sockets.values()]).toEqual([socket]);
    workers.of(0).end(null, 'SIGKILL');
    await settle();
    expect([...workers.of(1).sockets.values()]).toEqual([socket]);
    expect(socket.destroyed).toBe(false);
  });

  it('and cannot be reached any more is not given more, though its end has not been told', async () => {
    const { workers, connect, up } = bench();
    await up();
    workers.of(0).deaf = true;
    const socket = connect();
    await settle();
    expect(workers.of(0).killed).toBe(true);
    expect([...workers.of(1).sockets.values()]).toEqual([socket]);
  });

  it('again and again waits longer each time, and never more than 30 s', async () => {
    const { workers, up, clock, log } = bench();
    await up();
    for (let i = 0; i < 8; i += 1) {
      workers.of(1).end(1);
      await settle();
      clock.advance(30_000);
      await settle();
      for (const { id } of workers.of(0).heard.filter((message) => message.kind === 'ping')) {
        workers.of(0).says({ kind: 'pong', id, sessions: 0 });
      }
    }
    const waits = log.lines.filter(({ event, fields }) => event === 'worker.died' && fields['worker'] === 1);
    expect(waits.map(({ fields }) => fields['restartInMs'])).toEqual([
      0, 1000, 2000, 4000, 8000, 16_000, 30_000, 30_000,
    ]);
  });

  it('is started again later when the host has no room for a process, and harms nobody', async () => {
    const { supervisor, workers, up, clock, log } = bench();
    await up();
    workers.full = 'spawn ENOMEM';
    workers.of(0).end(null, 'SIGKILL');
    await settle();
    clock.advance(0);
    await settle();
    expect(workers.all).toHaveLength(2);
    expect(log.lines.filter(({ event }) => event === 'worker.died').map(({ message }) => message)).toEqual([
      expect.stringContaining('started again at once'),
      expect.stringContaining('its process could not be started: spawn ENOMEM; it is started again in 1 s'),
    ]);
    workers.full = undefined;
    clock.advance(1000);
    await settle();
    workers.of(0).ready();
    await settle();
    expect(supervisor.workers.map(({ alive }) => alive)).toEqual([true, true]);
  });

  it('with a word about a device says it', async () => {
    const { workers, up, log } = bench();
    await up();
    workers.of(1).says({ kind: 'broken', device: 'tun', message: 'the interface is gone' });
    workers.of(1).end(1);
    await settle();
    expect(log.lines.find(({ event }) => event === 'worker.died')?.message).toContain(
      'tun failed for good: the interface is gone',
    );
  });
});

describe('a worker that hangs', () => {
  const pings = (worker: { readonly heard: readonly { readonly kind: string }[] }): number =>
    worker.heard.filter(({ kind }) => kind === 'ping').length;

  it('is killed and started again when it has not answered for 10 s', async () => {
    const { workers, up, clock, log } = bench();
    await up();
    const hung = workers.of(0);
    const answer = (): void => {
      workers.of(1).says({ kind: 'pong', id: pings(workers.of(1)), sessions: 0 });
    };
    for (let i = 0; i < 4; i += 1) {
      clock.advance(2500);
      answer();
    }
    expect(pings(hung)).toBe(4);
    expect(hung.killed).toBe(false);
    clock.advance(2500);
    answer();
    expect(hung.killed).toBe(true);
    await settle();
    clock.advance(0);
    await settle();
    expect(workers.of(0)).not.toBe(hung);
    expect(workers.of(1).killed).toBe(false);
    expect(log.lines.find(({ event }) => event === 'worker.died')?.message).toContain('it has not answered for 10 s');
  });

  it('gives the connections that it had not taken to others', async () => {
    const { workers, up, clock, connect } = bench();
    await up();
    const [late, taken] = [connect(), connect()];
    workers.of(1).says({ kind: 'taken', connection: 2 });
    const hung = workers.of(0);
    for (let i = 0; i < 6; i += 1) {
      clock.advance(2500);
      await settle();
      for (const { id } of workers.of(1).heard.filter((message) => message.kind === 'ping')) {
        workers.of(1).says({ kind: 'pong', id, sessions: 0 });
      }
    }
    expect(hung.killed).toBe(true);
    expect([...workers.of(1).sockets.values()]).toEqual([taken, late]);
    expect(late.destroyed).toBe(false);
  });

  it('is not one that answers late', async () => {
    const { workers, up, clock } = bench();
    await up();
    for (let i = 1; i <= 40; i += 1) {
      clock.advance(2500);
      // Each answer comes two pings late.
      for (const worker of workers.all) if (i > 2) worker.says({ kind: 'pong', id: i - 2, sessions: 0 });
    }
    expect(workers.all.map(({ killed }) => killed)).toEqual([false, false]);
  });
});

describe('the stop', () => {
  it('takes no more connections, has all workers clear their calls, and waits for them', async () => {
    const { supervisor, workers, port, up, connect } = bench();
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
    const { supervisor, workers, up, clock, log } = bench();
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
    const { supervisor, workers, up, clock, log } = bench();
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
    const { supervisor, workers, up } = bench();
    await up();
    supervisor.kill();
    expect(workers.all.map(({ killed }) => killed)).toEqual([true, true]);
  });
});

describe('what others have to say to a worker', () => {
  const isText = (value: unknown): value is string => typeof value === 'string';
  const NAME: Ask<string, string> = { name: 'name', isBody: isText, isAnswer: isText };

  it('is said when it has started, before its first connection, in each of its lives', async () => {
    const { supervisor, workers, clock, port, connect } = bench();
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
    const { supervisor, workers, up, clock, log } = bench();
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
    const { supervisor, workers, up } = bench();
    const [worker] = supervisor.workers;
    await expect(worker?.request(NAME, 'x')).rejects.toMatchObject({ code: 'GONE' });
    await up();
    const asked = expect(worker?.request(NAME, 'x')).rejects.toMatchObject({ code: 'GONE' });
    workers.of(0).end(1);
    await asked;
  });

  it('is asked by workers, too', async () => {
    const { supervisor, workers, up } = bench();
    supervisor.answer(NAME, (body, from) => `${body} from ${from}`);
    await up();
    workers.of(1).says({ kind: 'request', id: 4, ask: 'name', body: 'hello' });
    await settle();
    expect(workers.of(1).heard.at(-1)).toEqual({ kind: 'response', id: 4, ok: true, body: 'hello from 1' });
  });

  it('garbage of a worker is a line in the log', async () => {
    const { workers, up, log } = bench();
    await up();
    workers.of(1).utters({ kind: 'ready' });
    workers.of(1).utters('hello');
    expect(log.events('warn')).toEqual(['worker.garbage', 'worker.garbage']);
  });
});

it('connections from the server that worker 0 dials go there', async () => {
  const { workers, up, connect } = bench();
  await up();
  connect();
  // 203.0.113.5
  workers.of(0).says({ kind: 'request', id: 1, ask: 'dialled-server', body: 0xcb007105 });
  await settle();
  expect(workers.of(0).heard.at(-1)).toEqual({ kind: 'response', id: 1, ok: true, body: undefined });
  connect('203.0.113.5');
  expect(workers.of(0).sockets.size).toBe(2);
});
