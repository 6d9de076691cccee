import type { Socket } from 'node:net';
import { describe, expect, it } from 'vitest';
import { parseIpv4 } from '../../../../core/bytes/ipv4-address.ts';
import { ConnectionDesk, type DeskWorker } from '../../../../gateway/workers/connection-desk.ts';
import { type ConnectionLimitOptions, ConnectionRules } from '../../../../plugins/control-pptp/index.ts';
import { address, silentTelemetry } from '../../../support/batches.ts';
import { fakeSocket } from '../../../support/fake-socket.ts';
import { ManualClock } from '../../../support/manual-clock.ts';
import { MemoryLog } from '../../../support/memory-log.ts';

class Worker implements DeskWorker {
  takes = true;
  /** What was handed over, and how to say that it did not arrive. */
  readonly handed = new Map<number, { readonly socket: Socket; readonly failed: () => void }>();

  readonly evicted: number[] = [];
  /** Connections of addresses that a user has logged in from. */
  readonly known: number[] = [];

  constructor(readonly index: number) {}

  evict(connection: number): void {
    this.evicted.push(connection);
  }

  hand(connection: number, socket: Socket, failed: () => void, isKnown: boolean): void {
    if (isKnown) this.known.push(connection);
    this.handed.set(connection, { socket, failed });
  }
}

const bench = (limits: Partial<ConnectionLimitOptions> = {}, count = 2) => {
  const clock = new ManualClock();
  const log = new MemoryLog();
  const workers = Array.from({ length: count }, (_, index) => new Worker(index));
  const refused: string[] = [];
  const telemetry = {
    ...silentTelemetry,
    event: (name: string, { reason = '' }: { readonly reason?: unknown } = {}) =>
      void refused.push(`${name} ${reason}`),
  };
  const rules = new ConnectionRules({ maxConnections: 100, maxConnectionsPerSource: 10, ...limits });
  const desk = new ConnectionDesk({ clock, log, telemetry }, { rules, refusalLogIntervalMs: 10_000 }, workers);
  const connect = (peer = '198.51.100.7'): Socket => {
    const socket = fakeSocket(peer);
    desk.take(socket);
    return socket;
  };
  /** How many connections each worker was given. */
  const given = (): readonly number[] => workers.map(({ handed }) => handed.size);
  return { clock, log, desk, workers, refused, connect, given, rules };
};

describe('an upgrade', () => {
  it('lets whoever comes meanwhile wait', () => {
    const { desk, connect, given } = bench();
    desk.hold(true);
    const socket = connect();
    desk.up();
    expect([given(), socket.destroyed, desk.size]).toEqual([[0, 0], false, 1]);
    desk.hold(false);
    expect(given()).toEqual([1, 0]);
  });

  it('goes on counting connections that workers have from those before', () => {
    const { desk, connect, given, refused } = bench({ maxConnections: 3 });
    const numbers = [desk.adopt(0, address('198.51.100.7')), desk.adopt(0, address('198.51.100.8'))];
    expect(new Set(numbers).size).toBe(2);
    connect();
    expect(given()).toEqual([0, 1]);
    for (const connection of numbers) desk.standing(0, connection, 'proven');
    connect('198.51.100.9');
    expect(refused).toEqual([expect.stringContaining('limit')]);
    desk.closed(0, numbers[0] ?? 0);
    connect('198.51.100.9');
    expect(given()).toEqual([1, 1]);
  });
});

describe('who gets a connection', () => {
  it('the worker that has the fewest', () => {
    const { desk, connect, given } = bench({}, 3);
    for (let i = 0; i < 6; i += 1) connect();
    expect(given()).toEqual([2, 2, 2]);
    for (const connection of [2, 5]) {
      desk.taken(1, connection);
      desk.closed(1, connection);
    }
    connect();
    connect();
    expect(given()).toEqual([2, 4, 2]);
    expect(desk.size).toBe(6);
  });

  it('none that does not take any', () => {
    const { workers, connect, given } = bench({}, 3);
    for (const worker of workers) worker.takes = worker.index === 2;
    for (let i = 0; i < 4; i += 1) connect();
    expect(given()).toEqual([0, 0, 4]);
  });

  it('worker 0 what comes from the server that it dials, and only that one', () => {
    const { desk, workers, connect, given } = bench();
    const server = parseIpv4('203.0.113.5');
    if (server === undefined) throw new Error('no address');
    desk.dials(server);
    for (let i = 0; i < 3; i += 1) connect('203.0.113.5');
    expect(given()).toEqual([3, 0]);
    for (const worker of workers) worker.takes = worker.index === 1;
    connect('203.0.113.5');
    expect(given()).toEqual([3, 0]);
    for (const worker of workers) worker.takes = true;
    desk.up();
    expect(given()).toEqual([4, 0]);
  });
});

describe('a hand-over', () => {
  it('closes our copy of the socket once the worker has its own', () => {
    const { desk, connect } = bench();
    const socket = connect();
    expect(socket.destroyed).toBe(false);
    desk.taken(1, 1);
    expect(socket.destroyed).toBe(false);
    desk.taken(0, 1);
    expect(socket.destroyed).toBe(true);
    expect(desk.size).toBe(1);
  });

  it('goes to the next worker when the first one is gone or cannot be reached', () => {
    const { desk, workers, connect, given } = bench({}, 3);
    const [first, second] = workers;
    const socket = connect();
    if (first === undefined || second === undefined) throw new Error('no workers');
    first.takes = false;
    first.handed.get(1)?.failed();
    expect(given()).toEqual([1, 1, 0]);
    // The end of the first is told after that: it is not the one that has it.
    desk.gone(0);
    expect(given()).toEqual([1, 1, 0]);
    second.takes = false;
    desk.gone(1);
    expect(given()).toEqual([1, 1, 1]);
    expect(socket.destroyed).toBe(false);
    expect([0, 1, 2].map((index) => desk.connectionsOf(index))).toEqual([0, 0, 1]);
  });

  it('waits while nobody takes any, in the order of coming', () => {
    const { desk, workers, connect, given } = bench();
    for (const worker of workers) worker.takes = false;
    const sockets = [connect(), connect(), connect()];
    expect(given()).toEqual([0, 0]);
    expect(desk.size).toBe(3);
    for (const worker of workers) worker.takes = worker.index === 1;
    desk.up();
    expect([...(workers[1]?.handed.keys() ?? [])]).toEqual([1, 2, 3]);
    expect(sockets.some(({ destroyed }) => destroyed)).toBe(false);
  });

  it('that its worker does not confirm is given up, with a line, and room made', () => {
    const { desk, connect, clock, log } = bench({ maxConnections: 2 });
    const [lost, taken] = [connect(), connect()];
    desk.taken(1, 2);
    clock.advance(14_999);
    expect(lost.destroyed).toBe(false);
    clock.advance(1);
    expect(lost.destroyed).toBe(true);
    expect(taken.destroyed).toBe(true);
    expect(log.events('warn')).toEqual(['worker.hand-over']);
    expect(desk.size).toBe(1);
    expect(clock.scheduled).toBe(0);
    expect(desk.connectionsOf(0)).toBe(0);
  });

  it('of many that are not confirmed is one line for each worker', () => {
    const { connect, clock, log, desk } = bench({ maxConnectionsPerSource: 50 });
    for (let i = 0; i < 20; i += 1) connect();
    clock.advance(15_000);
    expect(log.lines.map(({ event, fields }) => [event, fields])).toEqual([
      ['worker.hand-over', { worker: 0, connections: 10 }],
      ['worker.hand-over', { worker: 1, connections: 10 }],
    ]);
    expect(desk.size).toBe(0);
  });
});

describe('the end of a worker', () => {
  it('ends what it had, and makes room for it', () => {
    const { desk, connect, workers, refused } = bench({ maxConnections: 4 });
    for (let i = 0; i < 4; i += 1) connect();
    for (const [index, connection] of [
      [0, 1],
      [1, 2],
      [0, 3],
      [1, 4],
    ] as const) {
      desk.taken(index, connection);
    }
    connect();
    expect(refused).toEqual(['control.connection-refused limit']);
    for (const worker of workers) worker.takes = worker.index === 1;
    desk.gone(0);
    expect(desk.size).toBe(2);
    expect(connect().destroyed).toBe(false);
    expect(desk.connectionsOf(1)).toBe(3);
    // Late words of the dead about what is not theirs any more.
    desk.closed(0, 2);
    expect(desk.connectionsOf(1)).toBe(3);
  });
});

describe('the limits of the whole gateway', () => {
  it('count the connections of a source over all workers', () => {
    const { connect, refused, given } = bench({ maxConnectionsPerSource: 3 });
    for (let i = 0; i < 5; i += 1) connect();
    expect(refused).toEqual(Array.from({ length: 2 }, () => 'control.connection-refused limit-per-source'));
    expect(connect('198.51.100.8').destroyed).toBe(false);
    expect(given()).toEqual([2, 2]);
  });

  it('count what a source makes in a minute', () => {
    const { desk, connect, clock, refused } = bench({ maxConnectionsPerSource: 1 });
    for (let connection = 1; connection <= 61; connection += 1) {
      connect();
      desk.taken(0, connection);
      desk.closed(0, connection);
    }
    expect(refused).toEqual([]);
    connect();
    expect(refused).toEqual(['control.connection-refused rate-per-source']);
    clock.advance(60_000);
    expect(connect().destroyed).toBe(false);
  });

  it('are said in few lines', () => {
    const { connect, desk, clock, log } = bench({ maxConnections: 1 });
    connect();
    desk.standing(0, 1, 'proven');
    for (let i = 0; i < 100; i += 1) connect();
    expect(log.events('warn')).toEqual(['control.connection-refused']);
    clock.advance(9_000);
    connect();
    expect(log.events('warn')).toHaveLength(1);
  });

  it('let nobody in over IPv6, nobody without an address, and nobody any more when stopping', () => {
    const { desk, connect, refused, given } = bench();
    expect(connect('2001:db8::1').destroyed).toBe(true);
    const gone = fakeSocket(undefined);
    desk.take(gone);
    expect(gone.destroyed).toBe(true);
    const waiting = connect();
    desk.stop();
    expect(waiting.destroyed).toBe(true);
    expect(connect().destroyed).toBe(true);
    expect(refused).toEqual(['control.connection-refused ipv6', 'control.connection-refused stopping']);
    expect(given()).toEqual([1, 0]);
    expect(desk.size).toBe(0);
  });

  it('say that accepting failed', () => {
    const { desk, log } = bench();
    for (let i = 0; i < 3; i += 1) desk.failed(new Error('accept EMFILE'));
    expect(log.lines.map(({ event, message }) => [event, message])).toEqual([
      ['control.accept', 'Accepting failed: accept EMFILE'],
    ]);
  });
});

describe('connections whose user has not proven itself', () => {
  it('make room for one of another address, wherever they are', () => {
    const { desk, workers, connect, refused } = bench({ maxConnections: 3 });
    for (const worker of workers) worker.takes = worker.index === 0;
    const sockets = [connect('192.0.2.1'), connect('192.0.2.1'), connect('192.0.2.1')];
    desk.taken(0, 1);
    // The worker has the first one: it ends it, and tells when it is closed.
    connect('192.0.2.2');
    expect([workers[0]?.evicted, desk.size]).toEqual([[1], 4]);
    desk.closed(0, 1);
    expect(desk.size).toBe(3);
    // The second is on its way.
    connect('192.0.2.3');
    expect([workers[0]?.evicted, sockets[1]?.destroyed, desk.size]).toEqual([[1, 2], true, 3]);
    // What the worker says of one that is gone is passed over.
    desk.taken(0, 2);
    desk.closed(0, 2);
    expect([desk.size, desk.connectionsOf(0)]).toEqual([3, 3]);
    expect(refused).toEqual(Array.from({ length: 2 }, () => 'control.connection-refused made-room'));
  });

  it('make room at once for one of an address that a user has logged in from, which the worker is told', () => {
    const { desk, workers, connect } = bench({ maxConnections: 2 });
    connect('192.0.2.1');
    desk.taken(0, 1);
    desk.standing(0, 1, 'proven');
    desk.closed(0, 1);
    const strangers = [connect('192.0.2.2'), connect('192.0.2.3')];
    expect(connect('192.0.2.4').destroyed).toBe(true);
    expect(connect('192.0.2.1').destroyed).toBe(false);
    expect(strangers.map(({ destroyed }) => destroyed)).toEqual([true, false]);
    expect(workers.flatMap(({ known }) => known)).toEqual([4]);
  });

  it('are not late while no worker takes any', () => {
    const { desk, workers, connect, clock } = bench({ maxConnections: 1 });
    for (const worker of workers) worker.takes = false;
    const first = connect('192.0.2.1');
    clock.advance(60_000);
    expect([connect('192.0.2.2').destroyed, first.destroyed]).toEqual([true, false]);
    for (const worker of workers) worker.takes = true;
    desk.up();
    clock.advance(4_999);
    expect(connect('192.0.2.2').destroyed).toBe(true);
    clock.advance(1);
    expect([connect('192.0.2.2').destroyed, first.destroyed]).toEqual([false, true]);
  });

  it('are those that the workers do not say otherwise of', () => {
    const { desk, workers, connect, clock, refused } = bench({ maxConnections: 2 });
    for (const worker of workers) worker.takes = worker.index === 0;
    connect('192.0.2.1');
    connect('192.0.2.2');
    desk.taken(0, 1);
    desk.taken(0, 2);
    // Only the worker that has it knows.
    desk.standing(1, 2, 'proven');
    desk.standing(0, 1, 'proven');
    desk.standing(0, 2, 'waits');
    clock.advance(60_000);
    connect('192.0.2.3');
    expect(refused).toEqual(['control.connection-refused limit']);
    desk.standing(0, 2, 'goes-on');
    clock.advance(5_000);
    connect('192.0.2.3');
    expect(workers[0]?.evicted).toEqual([2]);
  });

  it('of an address that is denied are not taken at all', () => {
    const { desk, connect, refused, given, rules } = bench();
    rules.update({
      limits: rules.limits,
      access: { allow: [], deny: [{ network: address('192.0.2.0'), prefixLength: 24 }] },
    });
    expect(connect('192.0.2.200').destroyed).toBe(true);
    connect('192.0.3.1');
    expect([refused, given(), desk.size]).toEqual([['control.connection-refused denied'], [1, 0], 1]);
  });
});
