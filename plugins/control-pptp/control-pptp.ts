import type { Server, Socket } from 'node:net';
import { type Observable, Subject } from 'rxjs';
import type { Ipv4 } from '../../core/bytes/ipv4-address.ts';
import { DeadlineHeap } from '../../core/machine/deadline-heap.ts';
import { NoteBudget } from '../../core/machine/note-budget.ts';
import type { StartCollisions } from '../../core/machine/pptp-collision.ts';
import { type CallRefusal, CONTROL_DEFAULTS } from '../../core/machine/pptp-control-types.ts';
import type { CancelSignal } from '../../core/ports/cancel.ts';
import type { Clock } from '../../core/ports/clock.ts';
import type { CallEvent, ClearReason, ControlPlugin, WanErrors } from '../../core/ports/control.ts';
import type { Movable } from '../../core/ports/handover.ts';
import type { CallEndpoint, CallId, CallIds } from '../../core/ports/ids.ts';
import type { Log } from '../../core/ports/log.ts';
import type { RandomSource } from '../../core/ports/random.ts';
import type { Telemetry } from '../../core/ports/telemetry.ts';
import { after, type Instant, instant } from '../../core/time.ts';
import { CallLimits } from './call-limits.ts';
import { ConnectionLimits } from './connection-limits.ts';
import { ConnectionRefusals, type RefusedConnection } from './connection-refusals.ts';
import { type ConnectionRuleSet, ConnectionRules } from './connection-rules.ts';
import type { ConnectionSnapshot } from './connection-snapshot.ts';
import type { ConnectionSource, ConnectionStanding } from './connection-source.ts';
import { type ConnectionHost, ControlConnection } from './control-connection.ts';
import { holdSocket, readOn } from './held-socket.ts';
import { CONTROL_PPTP_DEFAULTS, type ControlPptpOptions } from './options.ts';
import { SetupAdmission } from './setup-admission.ts';
import { socketIpv4 } from './socket-address.ts';
import { TcpListener } from './tcp-listener.ts';

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
  /**
   * Where connections come from; undefined listens on the address and port of the options. A source of this kind has
   * applied the limits of connections itself.
   */
  readonly source?: ConnectionSource | undefined;
}

/** What may be another while it runs. */
export interface LiveControlOptions extends Pick<ControlPptpOptions, 'control' | 'idleMs' | 'setups'> {
  readonly ruleSet: ConnectionRuleSet;
}

/** Deadlines nearer together than this are served by one run over the connections. */
const TIMER_GRAIN_MS = 100;
/** `stop` waits this long for the connections beyond their own time-out for the last reply. */
const STOP_MARGIN_MS = 500;

const MADE_ROOM = 'another call needs the place, and nobody has logged in on this one';

const NOTHING = (): void => undefined;

/** The server of RFC 2637's control connection: one PAC machine per TCP connection, one timer for all. */
export class ControlPptp implements ControlPlugin, Movable {
  readonly name = 'control-pptp';
  readonly calls$: Observable<CallEvent>;
  private readonly deps: ControlPptpDeps;
  private options: ControlPptpOptions;
  private readonly calls = new Subject<CallEvent>();
  private readonly connections = new Set<ControlConnection>();
  /** When each of them wants time next: with thousands, a look at all of them for each deadline is dear. */
  private readonly deadlines = new DeadlineHeap<ControlConnection>();
  private readonly connectionOf = new Map<number, ControlConnection>();
  private readonly calledBy: CallLimits;
  /** Undefined where the source has applied them. */
  private readonly limits: ConnectionLimits<ControlConnection> | undefined;
  /** Where the source applies them, and may want one to make room. */
  private readonly bySocket = new WeakMap<Socket, ControlConnection>();
  private readonly refusals: ConnectionRefusals;
  private readonly rules: ConnectionRules;
  private readonly admission: SetupAdmission;
  /** Of all connections. */
  private host: ConnectionHost;
  private readonly source: ConnectionSource;
  private started = false;
  private frozen = false;
  /** Connected while it was frozen. */
  private readonly held: Socket[] = [];
  /** They have something to say that their peer does not take. */
  private readonly stuck = new Set<ControlConnection>();
  private refusing = false;
  private stopping: Promise<void> | undefined;
  private timer: { readonly when: Instant; readonly cancel: () => void } | undefined;
  private lastRun: Instant | undefined;
  private whenEmpty: (() => void) | undefined;

  constructor(deps: ControlPptpDeps, options: Partial<ControlPptpOptions> = {}) {
    this.deps = deps;
    this.options = { ...CONTROL_PPTP_DEFAULTS, ...options };
    this.calls$ = this.calls.asObservable();
    const { setups, refusalLogIntervalMs } = this.options;
    this.refusals = new ConnectionRefusals(deps, refusalLogIntervalMs);
    this.admission = new SetupAdmission(deps.clock, deps.log, setups, refusalLogIntervalMs);
    this.source = deps.source ?? new TcpListener(this.options);
    this.host = this.connectionHost();
    const rules = this.options.rules ?? new ConnectionRules(this.options);
    this.rules = rules;
    this.limits =
      deps.source === undefined
        ? new ConnectionLimits(rules, deps.clock, (connection) => this.evict(connection))
        : undefined;
    this.calledBy = new CallLimits(rules, this.options.maxCalls, deps.clock, (callId) => this.evictCall(callId));
  }

  /** Where it listens; undefined before `start` and after `stop`. */
  get listening(): { readonly address: string; readonly port: number } | undefined {
    return this.source.listening;
  }

  get connectionCount(): number {
    return this.connections.size;
  }

  get setups(): { readonly running: number; readonly waiting: number } {
    return { running: this.admission.running, waiting: this.admission.waiting };
  }

  /** Rejects with PORT_TAKEN, ADDRESS_UNAVAILABLE or NOT_ROOT. */
  async start(signal: CancelSignal): Promise<void> {
    if (signal.aborted || this.stopping !== undefined) return;
    this.started = true;
    await this.source.start(
      {
        take: (socket, isKnown = false) => this.accept(socket, isKnown),
        evict: (socket) => this.bySocket.get(socket)?.evict(),
        failed: (error) => this.refusals.acceptFailed(error),
      },
      signal,
    );
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

  proven({ localCallId }: CallEndpoint): void {
    if (this.calledBy.proven(localCallId)) this.connectionOf.get(localCallId)?.callProven();
  }

  settled({ localCallId }: CallEndpoint): void {
    const connection = this.connectionOf.get(localCallId);
    if (connection !== undefined) this.admission.leave(connection);
  }

  refuseCalls(): void {
    this.refusing = true;
    for (const connection of this.connections) connection.handle({ kind: 'refuse-calls' });
  }

  /** Names, times and limits of connections that come from now on; those that are there keep theirs. */
  reconfigure({ control, idleMs, setups, ruleSet }: LiveControlOptions): void {
    this.options = { ...this.options, control, idleMs, setups };
    this.rules.update(ruleSet);
    this.host = { ...this.host, options: this.options, control: { ...control, role: 'pac' } };
    this.admission.reconfigure(setups);
  }

  acceptCalls(): void {
    if (this.stopping !== undefined) return;
    this.refusing = false;
    for (const connection of this.connections) connection.handle({ kind: 'accept-calls' });
  }

  /** Undefined: this one does not listen itself. */
  get listener(): Server | undefined {
    return this.source instanceof TcpListener ? this.source.listener : undefined;
  }

  freeze(): void {
    this.frozen = true;
    this.timer?.cancel();
    this.timer = undefined;
    for (const connection of this.connections) if (!connection.freeze()) this.stuck.add(connection);
  }

  thaw(): void {
    this.frozen = false;
    this.stuck.clear();
    for (const connection of this.connections) connection.thaw();
    for (const socket of this.held.splice(0)) {
      readOn(socket);
      this.accept(socket, false);
    }
    if (this.deadlines.earliest !== undefined) this.arm(instant(this.deadlines.earliest));
  }

  /** While it is frozen: each connection that another process can go on with, and its socket. */
  snapshots(): readonly { readonly socket: Socket; readonly snapshot: ConnectionSnapshot }[] {
    return [...this.connections].flatMap((connection) => {
      const snapshot = this.stuck.has(connection) ? undefined : connection.snapshot();
      return snapshot === undefined ? [] : [{ socket: connection.socket, snapshot }];
    });
  }

  /** Calls that are open, of all connections. */
  *openCalls(): IterableIterator<CallEndpoint> {
    for (const connection of this.connections) yield* connection.openCalls();
  }

  /** In a process that takes over, before `resume`: goes on with connections; `proven` are the calls that are up. */
  restore(
    all: Iterable<{ readonly socket: Socket; readonly snapshot: ConnectionSnapshot }>,
    proven: ReadonlySet<CallId>,
  ): void {
    this.frozen = true;
    for (const { socket, snapshot } of all) {
      const connection = new ControlConnection(socket, snapshot.local, snapshot.peer, this.host, { earlier: snapshot });
      this.connections.add(connection);
      this.limits?.inherited(snapshot.peer, connection);
      if (this.source.standing !== undefined) this.bySocket.set(socket, connection);
      for (const { localCallId, state } of snapshot.machine.book.calls) {
        if (state !== 'established') continue;
        this.connectionOf.set(localCallId, connection);
        this.calledBy.opened(localCallId, snapshot.peer);
        if (proven.has(localCallId)) this.restoreProven(localCallId, connection);
      }
      this.schedule(connection, connection.nextTimeout());
    }
  }

  /** The connections that were restored are this process' from now on. */
  resume(server: Server | undefined): void {
    this.frozen = false;
    if (server !== undefined && this.source instanceof TcpListener) this.source.inherit(server);
    for (const connection of this.connections) connection.resume();
    for (const connection of this.connections) this.schedule(connection, connection.nextTimeout());
  }

  /** Another process has everything: closes this one's copies, and tells nobody. */
  abandon(): void {
    this.frozen = true;
    this.listener?.close();
    for (const connection of this.connections) connection.abandon();
    for (const socket of this.held.splice(0)) socket.destroy();
    this.connections.clear();
  }

  private restoreProven(localCallId: CallId, connection: ControlConnection): void {
    if (this.calledBy.proven(localCallId)) connection.callProven();
  }

  private accept(socket: Socket, isKnownToSource: boolean): void {
    if (this.frozen) {
      // Whoever comes while another process takes over waits, unread, until it is known who serves.
      socket.on('error', NOTHING);
      if (this.held.length >= this.rules.limits.maxConnections) {
        this.refusals.refuse(socket, 'limit');
        return;
      }
      holdSocket(socket);
      this.held.push(socket);
      return;
    }
    // Before anything else: a socket without a listener for its errors ends the process.
    socket.on('error', NOTHING);
    if (socket.remoteAddress === undefined) {
      // Gone before it was accepted.
      socket.destroy();
      return;
    }
    const local = socketIpv4(socket.localAddress);
    const peer = socketIpv4(socket.remoteAddress);
    const obstacle = this.obstacle(local, peer);
    if (obstacle !== undefined || local === undefined || peer === undefined) {
      this.refusals.refuse(socket, obstacle ?? 'ipv6');
      return;
    }
    const connection = new ControlConnection(socket, local, peer, this.host, {
      isKnown: this.limits?.knows(peer) ?? isKnownToSource,
    });
    this.connections.add(connection);
    this.limits?.taken(peer, connection);
    if (this.source.standing !== undefined) this.bySocket.set(socket, connection);
    connection.begin();
    if (this.refusing) connection.handle({ kind: 'refuse-calls' });
  }

  private connectionHost(): ConnectionHost {
    const { callIds, random, log, collisions, clock, telemetry } = this.deps;
    return {
      callIds,
      random,
      log,
      options: this.options,
      control: { ...this.options.control, role: 'pac' },
      strangerNotes: new NoteBudget(this.options.maxNotesPerMinute, 60_000),
      now: () => clock.now(),
      admit: (connection) => this.admit(connection),
      collide: ({ peer }) => collisions?.meet(peer) ?? 'none',
      call: (connection, event) => this.announce(connection, event),
      count: (name, attributes) => telemetry.event(name, attributes),
      roundTrip: (milliseconds) =>
        telemetry.measure('pptp.echo.duration', milliseconds / 1000, { protocol: 'control' }),
      deadline: (connection, when) => this.schedule(connection, when),
      served: ({ peer }) => collisions?.serve(peer) ?? NOTHING,
      admission: this.admission,
      standing: (connection, standing) => this.standing(connection, standing),
      turnedAway: ({ peerName }, why) => this.refusals.count(peerName, why),
      ended: (connection) => this.forget(connection),
    };
  }

  private obstacle(local: Ipv4 | undefined, peer: Ipv4 | undefined): RefusedConnection | undefined {
    if (local === undefined || peer === undefined) return 'ipv6';
    if (this.stopping !== undefined) return 'stopping';
    return this.limits?.obstacle(peer);
  }

  private admit({ peer, isKnown }: ControlConnection): CallRefusal | undefined {
    return this.calledBy.refusal(peer, isKnown) ?? this.deps.admit?.();
  }

  private standing(connection: ControlConnection, standing: ConnectionStanding): void {
    this.source.standing?.(connection.socket, standing);
    if (standing === 'waits') this.limits?.waits(connection);
    else if (standing === 'goes-on') this.limits?.goesOn(connection);
    else this.limits?.proven(connection);
  }

  private evict(connection: ControlConnection): void {
    this.refusals.count(connection.peerName, 'made-room');
    connection.evict();
  }

  private evictCall(localCallId: CallId): void {
    const connection = this.connectionOf.get(localCallId);
    this.refusals.count(connection?.peerName, 'made-room');
    connection?.handle({ kind: 'clear-call', localCallId, reason: 'administrative', detail: MADE_ROOM });
  }

  private announce(connection: ControlConnection, event: CallEvent): void {
    // Known before the subscriber hears of it: it may clear the call in the same turn.
    if (event.kind === 'opened') {
      this.connectionOf.set(event.call.localCallId, connection);
      this.calledBy.opened(event.call.localCallId, connection.peer, connection.isKnown);
    } else if (event.kind === 'closed') {
      this.connectionOf.delete(event.call.localCallId);
      this.admission.leave(connection);
      connection.callEnded(this.calledBy.closed(event.call.localCallId));
    }
    this.calls.next(event);
  }

  private forget(connection: ControlConnection): void {
    if (!this.connections.delete(connection)) return;
    this.deadlines.remove(connection);
    this.limits?.gone(connection);
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
    if (this.frozen) return;
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
    this.refusing = true;
    if (this.started) await this.endConnections();
    this.timer?.cancel();
    this.timer = undefined;
    this.admission.stop();
    this.calls.complete();
  }

  private async endConnections(): Promise<void> {
    const closed = this.source.stop();
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
