import type { Socket } from 'node:net';
import { formatIpv4, type Ipv4 } from '../../core/bytes/ipv4-address.ts';
import type { Clock } from '../../core/ports/clock.ts';
import type { Log } from '../../core/ports/log.ts';
import type { Telemetry } from '../../core/ports/telemetry.ts';
import { after, type Instant } from '../../core/time.ts';
import {
  ConnectionLimits,
  ConnectionRefusals,
  type ConnectionRules,
  type ConnectionStanding,
  type ConnectionTaker,
  socketIpv4,
} from '../../plugins/control-pptp/index.ts';

/** A worker, as far as connections are concerned. */
export interface DeskWorker {
  readonly index: number;
  /** Connections may be handed to it. */
  readonly takes: boolean;
  /** `failed` runs when the socket cannot reach the worker. `isKnown`: a user has logged in from its address before. */
  hand(connection: number, socket: Socket, failed: () => void, isKnown: boolean): void;
  /** Has a connection that it was given end. */
  evict(connection: number): void;
}

export interface DeskOptions {
  readonly rules: ConnectionRules;
  readonly refusalLogIntervalMs: number;
}

export interface DeskDeps {
  readonly clock: Clock;
  readonly log: Log;
  readonly telemetry: Telemetry;
}

interface Entry {
  readonly peer: Ipv4;
  /** Until a worker has its own copy. */
  socket: Socket | undefined;
  /** Undefined while it waits for a worker. */
  worker: number | undefined;
  /** Its worker should have taken it by then. */
  deadline: Instant | undefined;
}

/** A worker that hangs is killed before that, and what it had not taken goes to others. */
const TAKE_MS = 15_000;

/**
 * The control connections of all workers: takes them within the limits of the whole gateway, hands each to the worker
 * that has the fewest, and keeps count until it is closed. No octet is read here.
 */
export class ConnectionDesk implements ConnectionTaker {
  private readonly deps: DeskDeps;
  private readonly limits: ConnectionLimits<number>;
  private readonly refusals: ConnectionRefusals;
  private readonly workers: readonly DeskWorker[];
  private readonly entries = new Map<number, Entry>();
  private readonly load: number[];
  /** For nobody takes connections at the moment, or not the one that these belong to; in the order of their coming. */
  private readonly waiting = new Set<number>();
  private lastConnection = 0;
  private held = false;
  private stopping = false;
  private cancelSweep: (() => void) | undefined;
  /** The gateway that worker 0 dials: rules about two connections between two sites live there. */
  private dialled: Ipv4 | undefined;

  constructor(deps: DeskDeps, options: DeskOptions, workers: readonly DeskWorker[]) {
    this.deps = deps;
    this.limits = new ConnectionLimits(options.rules, deps.clock, (connection) => this.makeRoom(connection));
    this.refusals = new ConnectionRefusals(deps, options.refusalLogIntervalMs);
    this.workers = workers;
    this.load = workers.map(() => 0);
  }

  /** Connections that are open, those that wait included. */
  get size(): number {
    return this.entries.size;
  }

  connectionsOf(worker: number): number {
    return this.load[worker] ?? 0;
  }

  /** Connections from there are for worker 0 from now on. */
  dials(address: Ipv4): void {
    this.dialled = address;
  }

  take(socket: Socket): void {
    // Before anything else: a socket without a listener for its errors ends the process.
    socket.on('error', () => undefined);
    if (socket.remoteAddress === undefined) {
      // Gone before it was accepted.
      socket.destroy();
      return;
    }
    const local = socketIpv4(socket.localAddress);
    const peer = socketIpv4(socket.remoteAddress);
    if (local === undefined || peer === undefined) {
      this.refusals.refuse(socket, 'ipv6');
      return;
    }
    const obstacle = this.stopping ? 'stopping' : this.limits.obstacle(peer);
    if (obstacle !== undefined) {
      this.refusals.refuse(socket, obstacle);
      return;
    }
    this.lastConnection += 1;
    this.limits.taken(peer, this.lastConnection);
    this.entries.set(this.lastConnection, { peer, socket, worker: undefined, deadline: undefined });
    this.place(this.lastConnection);
  }

  failed(error: Error): void {
    this.refusals.acceptFailed(error);
  }

  /** The worker has the socket. */
  taken(worker: number, connection: number): void {
    const entry = this.entries.get(connection);
    if (entry?.worker !== worker) return;
    // Closes our copy of the descriptor; the connection is the worker's.
    entry.socket?.destroy();
    entry.socket = undefined;
  }

  /** How far the connection is, in the worker's words. */
  standing(worker: number, connection: number, standing: ConnectionStanding): void {
    if (this.entries.get(connection)?.worker !== worker) return;
    if (standing === 'waits') this.limits.waits(connection);
    else if (standing === 'goes-on') this.limits.goesOn(connection);
    else this.limits.proven(connection);
  }

  /** The worker's socket is closed. */
  closed(worker: number, connection: number): void {
    if (this.entries.get(connection)?.worker === worker) this.forget(connection);
  }

  /** While held, whoever comes waits, and no worker gets a connection. */
  hold(held: boolean): void {
    this.held = held;
    if (!held) this.up();
  }

  /** A connection that a worker has from the process before; returns its number. */
  adopt(worker: number, peer: Ipv4): number {
    this.lastConnection += 1;
    const connection = this.lastConnection;
    this.limits.inherited(peer, connection);
    this.entries.set(connection, { peer, socket: undefined, worker, deadline: undefined });
    this.load[worker] = this.connectionsOf(worker) + 1;
    return connection;
  }

  /** It takes connections from now on. */
  up(): void {
    for (const connection of [...this.waiting]) this.place(connection);
  }

  /** The worker is gone, and what it had taken with it; what it had not taken is for others. */
  gone(worker: number): void {
    for (const [connection, entry] of [...this.entries]) {
      if (entry.worker !== worker) continue;
      if (entry.socket === undefined) this.forget(connection);
      else this.replace(connection, entry);
    }
  }

  /** Takes nothing more, and closes what no worker has. */
  stop(): void {
    this.stopping = true;
    this.cancelSweep?.();
    for (const [connection, { socket }] of [...this.entries]) if (socket !== undefined) this.forget(connection);
  }

  /** It makes room for another one; a worker that has it tells when it is closed. */
  private makeRoom(connection: number): void {
    const entry = this.entries.get(connection);
    if (entry === undefined) return;
    this.refusals.count(formatIpv4(entry.peer), 'made-room');
    if (entry.worker !== undefined) this.workers[entry.worker]?.evict(connection);
    if (entry.socket !== undefined) this.forget(connection);
  }

  private place(connection: number): void {
    const entry = this.entries.get(connection);
    if (entry?.socket === undefined) return;
    const worker = this.choose(entry.peer);
    if (worker === undefined) {
      this.waiting.add(connection);
      this.limits.waits(connection);
      return;
    }
    if (this.waiting.delete(connection)) this.limits.goesOn(connection);
    entry.worker = worker.index;
    entry.deadline = after(this.deps.clock.now(), TAKE_MS);
    this.load[worker.index] = this.connectionsOf(worker.index) + 1;
    this.cancelSweep ??= this.deps.clock.schedule(entry.deadline, () => this.sweep());
    const failed = (): void => {
      if (entry.worker === worker.index && entry.socket !== undefined) this.replace(connection, entry);
    };
    worker.hand(connection, entry.socket, failed, this.limits.knows(entry.peer));
  }

  /** Its worker could not take it. */
  private replace(connection: number, entry: Entry): void {
    this.leave(entry);
    if (this.stopping) this.forget(connection);
    else this.place(connection);
  }

  private choose(peer: Ipv4): DeskWorker | undefined {
    if (this.held) return undefined;
    if (peer === this.dialled) return this.workers.find(({ index, takes }) => index === 0 && takes);
    let best: DeskWorker | undefined;
    for (const worker of this.workers) {
      if (!worker.takes) continue;
      if (best === undefined || this.connectionsOf(worker.index) < this.connectionsOf(best.index)) best = worker;
    }
    return best;
  }

  /** A worker that answers pings and does not take a socket cannot: it has no file descriptor left, for example. */
  private sweep(): void {
    this.cancelSweep = undefined;
    const now = this.deps.clock.now();
    let next: Instant | undefined;
    const late = this.workers.map(() => 0);
    for (const [connection, { socket, worker, deadline }] of [...this.entries]) {
      if (socket === undefined || worker === undefined || deadline === undefined) continue;
      if (deadline > now) next = next === undefined || deadline < next ? deadline : next;
      else {
        late[worker] = (late[worker] ?? 0) + 1;
        this.forget(connection);
      }
    }
    for (const [worker, connections] of late.entries()) if (connections > 0) this.notTaken(worker, connections);
    if (next !== undefined) this.cancelSweep = this.deps.clock.schedule(next, () => this.sweep());
  }

  private notTaken(worker: number, connections: number): void {
    const text =
      'a worker did not take connections in time, and they are closed: see whether it has files to open left';
    this.deps.log.warn('worker.hand-over', text, { worker, connections });
  }

  private leave(entry: Entry): void {
    if (entry.worker !== undefined) this.load[entry.worker] = this.connectionsOf(entry.worker) - 1;
    entry.worker = undefined;
    entry.deadline = undefined;
  }

  private forget(connection: number): void {
    const entry = this.entries.get(connection);
    if (entry === undefined) return;
    this.entries.delete(connection);
    this.waiting.delete(connection);
    this.leave(entry);
    this.limits.gone(connection);
    entry.socket?.destroy();
  }
}
