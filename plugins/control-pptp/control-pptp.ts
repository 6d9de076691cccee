import { createServer, type Server, type Socket } from 'node:net';
import { type Observable, Subject } from 'rxjs';
import type { Ipv4 } from '../../core/bytes/ipv4-address.ts';
import { DeadlineHeap } from '../../core/machine/deadline-heap.ts';
import { NoteBudget } from '../../core/machine/note-budget.ts';
import type { StartCollisions } from '../../core/machine/pptp-collision.ts';
import { type CallRefusal, CONTROL_DEFAULTS } from '../../core/machine/pptp-control-types.ts';
import type { CancelSignal } from '../../core/ports/cancel.ts';
import type { Clock } from '../../core/ports/clock.ts';
import type { CallEvent, ClearReason, ControlPlugin, WanErrors } from '../../core/ports/control.ts';
import type { CallEndpoint, CallIds } from '../../core/ports/ids.ts';
import type { Log } from '../../core/ports/log.ts';
import type { RandomSource } from '../../core/ports/random.ts';
import type { Telemetry } from '../../core/ports/telemetry.ts';
import { after, type Instant, instant } from '../../core/time.ts';
import { GENERAL_ERROR, OUTGOING_RESULT } from '../../core/wire/pptp-message-codes.ts';
import { ControlConnection } from './control-connection.ts';
import { listenError } from './listen-error.ts';
import { CONTROL_PPTP_DEFAULTS, type ControlPptpOptions } from './options.ts';
import { socketIpv4 } from './socket-address.ts';

export interface ControlPptpDeps {
  readonly clock: Clock;
  readonly log: Log;
  readonly telemetry: Telemetry;
  readonly callIds: CallIds;
  readonly random: RandomSource;
  /** Of a process that asks for connections, too (RFC 2637 section 3.1.3). */
  readonly collisions?: StartCollisions | undefined;
  /** Asked for every call that the plug-in's own limits let through; undefined accepts it. */
  readonly admit?: () => CallRefusal | undefined;
}

/** Deadlines nearer together than this are served by one run over the connections. */
const TIMER_GRAIN_MS = 100;
/**
 * Connections that one source may make in a minute beyond those it may have at once. A client needs one a call, and all
 * those behind one NAT may come back together; who comes and goes without end costs log lines and sessions.
 */
const SPARE_CONNECTIONS_A_MINUTE = 60;
const MINUTE_MS = 60_000;
/** `stop` waits this long for the connections beyond their own time-out for the last reply. */
const STOP_MARGIN_MS = 500;

const NO_RESOURCE: CallRefusal = { resultCode: OUTGOING_RESULT.generalError, errorCode: GENERAL_ERROR.noResource };

/** The server of RFC 2637's control connection: one PAC machine per TCP connection, one timer for all. */
export class ControlPptp implements ControlPlugin {
  readonly name = 'control-pptp';
  readonly calls$: Observable<CallEvent>;
  private readonly deps: ControlPptpDeps;
  private readonly options: ControlPptpOptions;
  private readonly calls = new Subject<CallEvent>();
  private readonly connections = new Set<ControlConnection>();
  /** When each of them wants time next: with thousands, a look at all of them for each deadline is dear. */
  private readonly deadlines = new DeadlineHeap<ControlConnection>();
  private readonly connectionsBySource = new Map<Ipv4, number>();
  /** Connections taken in this minute, by source. Bounded by the number of TCP handshakes of a minute. */
  private readonly recentBySource = new Map<Ipv4, number>();
  private minuteEnd: Instant | undefined;
  private readonly callsBySource = new Map<Ipv4, number>();
  private readonly connectionOf = new Map<number, ControlConnection>();
  private readonly refusals: NoteBudget;
  private readonly acceptFailures: NoteBudget;
  private readonly strangerNotes: NoteBudget;
  private server: Server | undefined;
  private refusing = false;
  private stopping: Promise<void> | undefined;
  private timer: { readonly when: Instant; readonly cancel: () => void } | undefined;
  private lastRun: Instant | undefined;
  private whenEmpty: (() => void) | undefined;

  constructor(deps: ControlPptpDeps, options: Partial<ControlPptpOptions> = {}) {
    this.deps = deps;
    this.options = { ...CONTROL_PPTP_DEFAULTS, ...options };
    this.calls$ = this.calls.asObservable();
    this.strangerNotes = new NoteBudget(this.options.maxNotesPerMinute, 60_000);
    this.refusals = new NoteBudget(1, this.options.refusalLogIntervalMs);
    this.acceptFailures = new NoteBudget(1, this.options.refusalLogIntervalMs);
  }

  /** Where it listens; undefined before `start` and after `stop`. */
  get listening(): { readonly address: string; readonly port: number } | undefined {
    const bound = this.server?.address();
    return typeof bound === 'object' && bound !== null ? { address: bound.address, port: bound.port } : undefined;
  }

  get connectionCount(): number {
    return this.connections.size;
  }

  /** Rejects with PORT_TAKEN, ADDRESS_UNAVAILABLE or NOT_ROOT. */
  async start(signal: CancelSignal): Promise<void> {
    if (signal.aborted || this.stopping !== undefined) return;
    const { address, port, backlog } = this.options;
    const server = createServer((socket) => this.accept(socket));
    this.server = server;
    await new Promise<void>((resolve, reject) => {
      server.once('error', (cause) => reject(listenError(cause, address, port)));
      server.once('close', resolve);
      signal.addEventListener('abort', resolve);
      try {
        server.listen({ host: address, port, backlog }, resolve);
      } catch (cause) {
        reject(listenError(cause, address, port));
      }
    });
    if (signal.aborted || this.server !== server) {
      server.close();
      return;
    }
    server.removeAllListeners('error');
    // For example no file descriptor left: the listening socket lives on.
    server.on('error', (error) => this.acceptFailed(error));
    const bound = this.listening;
    if (bound !== undefined) {
      this.deps.log.info('control.listening', `Listening for PPTP on ${bound.address} port ${bound.port}.`, bound);
    }
  }

  /** Clears every call, ends every connection in order, and then completes `calls$`. */
  stop(): Promise<void> {
    this.stopping ??= this.shutDown();
    return this.stopping;
  }

  clear(call: CallEndpoint, reason: ClearReason, detail: string): void {
    const { localCallId } = call;
    this.connectionOf.get(localCallId)?.handle({ kind: 'clear-call', localCallId, reason, detail });
  }

  wanError(call: CallEndpoint, errors: WanErrors): void {
    const { localCallId } = call;
    this.connectionOf.get(localCallId)?.handle({ kind: 'wan-error', localCallId, errors });
  }

  refuseCalls(): void {
    this.refusing = true;
    for (const connection of this.connections) connection.handle({ kind: 'refuse-calls' });
  }

  /** It comes back with every connection that waits, until the cause has passed. */
  private acceptFailed(error: Error): void {
    const missed = this.acceptFailures.take(this.deps.clock.now());
    if (missed === undefined) return;
    this.deps.log.error('control.accept', `Accepting failed: ${error.message}`, { notLogged: missed });
  }

  private accept(socket: Socket): void {
    // Before anything else: a socket without a listener for its errors ends the process.
    socket.on('error', () => undefined);
    if (socket.remoteAddress === undefined) {
      // Gone before it was accepted.
      socket.destroy();
      return;
    }
    const local = socketIpv4(socket.localAddress);
    const peer = socketIpv4(socket.remoteAddress);
    const obstacle = this.obstacle(local, peer);
    if (obstacle !== undefined || local === undefined || peer === undefined) {
      this.refuse(socket, obstacle ?? 'ipv6');
      return;
    }
    const { callIds, random, log, collisions } = this.deps;
    const connection: ControlConnection = new ControlConnection(
      socket,
      { local, peer },
      { callIds, random, log, admit: () => this.admit(peer), collide: () => collisions?.meet(peer) ?? 'none' },
      this.options,
      {
        now: () => this.deps.clock.now(),
        call: (event) => this.announce(connection, event),
        count: (name, attributes) => this.deps.telemetry.event(name, attributes),
        roundTrip: (milliseconds) =>
          this.deps.telemetry.measure('pptp.echo.duration', milliseconds / 1000, { protocol: 'control' }),
        strangerNotes: this.strangerNotes,
        deadline: (when) => this.schedule(connection, when),
        served: () => collisions?.serve(peer) ?? (() => undefined),
        ended: () => this.forget(connection),
      },
    );
    this.connections.add(connection);
    add(this.recentBySource, peer, 1);
    add(this.connectionsBySource, peer, 1);
    connection.begin();
    if (this.refusing) connection.handle({ kind: 'refuse-calls' });
  }

  private obstacle(local: Ipv4 | undefined, peer: Ipv4 | undefined): RefusedConnection | undefined {
    if (local === undefined || peer === undefined) return 'ipv6';
    if (this.stopping !== undefined) return 'stopping';
    if (this.connections.size >= this.options.maxConnections) return 'limit';
    if ((this.connectionsBySource.get(peer) ?? 0) >= this.options.maxConnectionsPerSource) return 'limit-per-source';
    return this.comesTooOften(peer) ? 'rate-per-source' : undefined;
  }

  private comesTooOften(peer: Ipv4): boolean {
    const now = this.deps.clock.now();
    if (this.minuteEnd === undefined || now >= this.minuteEnd) {
      this.minuteEnd = after(now, MINUTE_MS);
      this.recentBySource.clear();
    }
    return (this.recentBySource.get(peer) ?? 0) >= this.options.maxConnectionsPerSource + SPARE_CONNECTIONS_A_MINUTE;
  }

  private refuse(socket: Socket, reason: RefusedConnection): void {
    this.deps.telemetry.event('control.connection-refused', { reason });
    const missed = this.refusals.take(this.deps.clock.now());
    if (missed !== undefined) {
      this.deps.log.warn('control.connection-refused', REFUSED_CONNECTION[reason], {
        reason,
        peer: socket.remoteAddress ?? 'unknown',
        notLogged: missed,
      });
    }
    socket.destroy();
  }

  /** A client has one call on one connection; without the second limit one stranger could hold all calls of the gateway. */
  private admit(peer: Ipv4): CallRefusal | undefined {
    const { maxCalls, maxConnectionsPerSource } = this.options;
    if (this.connectionOf.size >= maxCalls) {
      const why = `the gateway has the most calls allowed, ${maxCalls} (PPTP_MAX_CALLS; by itself what the pool holds)`;
      return { ...NO_RESOURCE, why };
    }
    if ((this.callsBySource.get(peer) ?? 0) >= maxConnectionsPerSource) {
      const why = `this address has the most calls allowed, ${maxConnectionsPerSource} (PPTP_MAX_CONNECTIONS_PER_ADDRESS)`;
      return { ...NO_RESOURCE, why };
    }
    return this.deps.admit?.();
  }

  private announce(connection: ControlConnection, event: CallEvent): void {
    // Known before the subscriber hears of it: it may clear the call in the same turn.
    if (event.kind === 'opened') {
      this.connectionOf.set(event.call.localCallId, connection);
      add(this.callsBySource, connection.peer, 1);
    } else if (event.kind === 'closed') {
      this.connectionOf.delete(event.call.localCallId);
      add(this.callsBySource, connection.peer, -1);
    }
    this.calls.next(event);
  }

  private forget(connection: ControlConnection): void {
    if (!this.connections.delete(connection)) return;
    this.deadlines.remove(connection);
    add(this.connectionsBySource, connection.peer, -1);
    if (this.connections.size === 0) this.whenEmpty?.();
  }

  private schedule(connection: ControlConnection, when: Instant | undefined): void {
    if (when === undefined || !this.connections.has(connection)) {
      this.deadlines.remove(connection);
      return;
    }
    this.deadlines.set(connection, when);
    this.arm(when);
  }

  /** A nearer deadline moves the timer; a later one is found when the timer fires. */
  private arm(when: Instant): void {
    const earliestRun = this.lastRun === undefined ? when : after(this.lastRun, TIMER_GRAIN_MS);
    const at = instant(Math.max(when, earliestRun));
    if (this.timer !== undefined) {
      if (this.timer.when <= at) return;
      this.timer.cancel();
    }
    this.timer = { when: at, cancel: this.deps.clock.schedule(at, () => this.runTimers()) };
  }

  private runTimers(): void {
    const now = this.deps.clock.now();
    this.timer = undefined;
    this.lastRun = now;
    // Taken out first: a connection that is due again at once waits for the next run.
    const due: ControlConnection[] = [];
    for (let one = this.deadlines.takeDue(now); one !== undefined; one = this.deadlines.takeDue(now)) due.push(one);
    for (const connection of due) if (this.connections.has(connection)) connection.handleTimeout(now);
    if (this.deadlines.earliest !== undefined) this.arm(instant(this.deadlines.earliest));
  }

  private async shutDown(): Promise<void> {
    const server = this.server;
    this.server = undefined;
    this.refusing = true;
    if (server !== undefined) await this.endConnections(server);
    this.timer?.cancel();
    this.timer = undefined;
    this.calls.complete();
  }

  private async endConnections(server: Server): Promise<void> {
    const closed = new Promise<void>((resolve) => server.close(() => resolve()));
    const empty = new Promise<void>((resolve) => {
      this.whenEmpty = resolve;
    });
    for (const connection of this.connections) connection.handle({ kind: 'stop', reason: 'shutdown' });
    if (this.connections.size > 0) {
      const longest =
        (this.options.control.stopTimeoutMs ?? CONTROL_DEFAULTS.stopTimeoutMs) + this.options.lingerMs + STOP_MARGIN_MS;
      const cancel = this.deps.clock.schedule(after(this.deps.clock.now(), longest), () => {
        for (const connection of this.connections) connection.abort();
      });
      await empty;
      cancel();
    }
    await closed;
  }
}

/** Counters that reach zero take no room. */
const add = (counts: Map<Ipv4, number>, source: Ipv4, by: 1 | -1): void => {
  const count = (counts.get(source) ?? 0) + by;
  if (count > 0) counts.set(source, count);
  else counts.delete(source);
};

const REFUSED_CONNECTION = {
  ipv6: 'Refused a control connection over IPv6: PPTP tunnels are carried over IPv4 here.',
  stopping: 'Refused a control connection: the gateway is stopping.',
  limit: 'Refused a control connection: the limit of connections is reached.',
  'limit-per-source': 'Refused a control connection: its source address has the most connections allowed.',
  'rate-per-source': 'Refused a control connection: its source address has made too many in this minute.',
} as const;
type RefusedConnection = keyof typeof REFUSED_CONNECTION;
