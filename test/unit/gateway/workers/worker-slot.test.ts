import { describe, expect, it } from 'vitest';
import { settle, supervisorBench } from '../../../support/supervisor-bench.ts';

describe('a worker that dies', () => {
  it('costs its connections and nobody else; it is started again at once, and gets what comes next', async () => {
    const { supervisor, workers, connect, takeAll, up, clock, log } = supervisorBench();
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
    const { workers, connect, up } = supervisorBench();
    await up();
    const socket = connect();
    expect([...workers.of(0).sockets.values()]).toEqual([socket]);
    workers.of(0).end(null, 'SIGKILL');
    await settle();
    expect([...workers.of(1).sockets.values()]).toEqual([socket]);
    expect(socket.destroyed).toBe(false);
  });

  it('and cannot be reached any more is not given more, though its end has not been told', async () => {
    const { workers, connect, up } = supervisorBench();
    await up();
    workers.of(0).deaf = true;
    const socket = connect();
    await settle();
    expect(workers.of(0).killed).toBe(true);
    expect([...workers.of(1).sockets.values()]).toEqual([socket]);
  });

  it('again and again waits longer each time, and never more than 30 s', async () => {
    const { workers, up, clock, log } = supervisorBench();
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
    const { supervisor, workers, up, clock, log } = supervisorBench();
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
    const { workers, up, log } = supervisorBench();
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
    const { workers, up, clock, log } = supervisorBench();
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
    const { workers, up, clock, connect } = supervisorBench();
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
    const { workers, up, clock } = supervisorBench();
    await up();
    for (let i = 1; i <= 40; i += 1) {
      clock.advance(2500);
      // Each answer comes two pings late.
      for (const worker of workers.all) if (i > 2) worker.says({ kind: 'pong', id: i - 2, sessions: 0 });
    }
    expect(workers.all.map(({ killed }) => killed)).toEqual([false, false]);
  });
});

describe('a worker that is held', () => {
  it('is started again when nobody holds it any more', async () => {
    const { supervisor, workers, up, clock } = supervisorBench();
    await up();
    supervisor.holdWorkers(true, 'drain');
    supervisor.holdWorkers(true, 'upgrade');
    workers.of(0).end(null, 'SIGKILL');
    supervisor.holdWorkers(false, 'upgrade');
    clock.advance(0);
    await settle();
    expect(workers.all).toHaveLength(2);
    supervisor.holdWorkers(false, 'drain');
    clock.advance(0);
    await settle();
    expect(workers.all).toHaveLength(3);
  });
});

describe('a worker that another process goes on with', () => {
  it('is told to leave, and killed where it does not', async () => {
    const { supervisor, workers, up, clock, port } = supervisorBench();
    await up();
    const left = supervisor.leave();
    expect(workers.all.map(({ kinds }) => kinds.at(-1))).toEqual(['leave', 'leave']);
    workers.of(0).end(0);
    await settle();
    clock.advance(3_000);
    await left;
    expect(workers.all.map(({ killed }) => killed)).toEqual([false, true]);
    expect(port.stopped).toBe(true);
    clock.advance(60_000);
    expect(workers.all).toHaveLength(2);
  });
});
