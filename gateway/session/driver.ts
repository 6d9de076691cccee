import type { Ipv4 } from '../../core/bytes/ipv4-address.ts';
import { GRE_CHANNEL } from '../../core/datapath/gre-channel.ts';
import type { Session, SessionView } from '../../core/datapath/session.ts';
import type { CallEvent, ClearReason, ControlRecord } from '../../core/ports/control.ts';
import type { CallEndpoint, SessionId } from '../../core/ports/ids.ts';
import type { Lifecycle } from '../../core/ports/lifecycle.ts';
import type { LaterSpan, PhaseSpan } from '../../core/ports/telemetry.ts';
import { after, earliest, type Instant } from '../../core/time.ts';
import type { DriverDeps, DriverOptions } from './driver-deps.ts';
import type { StageEvents } from './driver-hub.ts';
import { Due } from './due.ts';
import { DuePackets } from './due-packets.ts';
import { FailedConnections } from './failed-connections.ts';
import { sessionIds } from './session-ids.ts';
import type { Tunnel } from './tunnel.ts';
import type { TunnelContext } from './tunnel-context.ts';
import { TunnelMaker } from './tunnel-maker.ts';
import type { SentTunnel, TunnelSnapshot } from './tunnel-snapshot.ts';
import type { TunnelEnding, TunnelView } from './tunnel-view.ts';
import { reportErrors } from './wan-errors.ts';

/** Undecryptable packets in a row after which the keys cannot be right any more; far above what a line can garble. */
const GARBAGE_LIMIT = 100;
/** Fewer than the outbox for control frames holds: 10,000 tunnels are told to end within 1 s. */
const HANG_UPS_A_TURN = 128;
const HANG_UP_TURN_MS = 10;
/**
 * The one driver: executes the effects of all machines, serves the deadlines of all sessions, and opens and ends sessions as the control connection says.
 */
export class Driver implements Lifecycle, StageEvents {
  readonly name = 'session-driver';
  private readonly deps: DriverDeps;
  private readonly context: TunnelContext;
  private readonly tunnels = new Map<Session, Tunnel>();
  private readonly due: Due<Session>;
  private readonly packets: DuePackets;
  private readonly failedConnections: FailedConnections;
  private readonly maker: TunnelMaker;
  private unsubscribe: (() => void) | undefined;
  private readonly ups: ((tunnel: Tunnel) => void)[] = [];
  private readonly endings: ((ending: TunnelEnding) => void)[] = [];

  constructor(deps: DriverDeps, options: DriverOptions) {
    this.deps = deps;
    this.due = new Due(deps.clock, (due, now) => this.serve(due, now));
    this.packets = new DuePackets(deps);
    this.failedConnections = new FailedConnections(deps.telemetry, () => deps.clock.now(), deps.role);
    this.context = {
      role: deps.role ?? 'server',
      clock: deps.clock,
      now: () => deps.clock.now(),
      roundTrip: (milliseconds) =>
        deps.telemetry.measure('pptp.echo.duration', milliseconds / 1000, { protocol: 'lcp' }),
      telemetry: deps.telemetry,
      authenticators: deps.authenticators,
      wallClock: deps.wallClock,
      policies: deps.policies,
      watchers: deps.watchers,
      profiles: deps.profiles,
      replace: (session) => this.replace(session),
      addresses: deps.addresses,
      sessions: deps.sessions,
      ...options,
      ...(deps.ipv6 === undefined ? {} : { ipv6: deps.ipv6 }),
      send: (session, protocol, bytes) => deps.hub.control.put(session, protocol, bytes),
      setEncryption: (session, parameters) => deps.setEncryption(session, parameters),
      clear: (session, reason, detail) => deps.control.clear(session.call, reason, detail),
      endOlder: (identity, address) => this.endOlder(identity, address),
      reschedule: (tunnel) => this.reschedule(tunnel.session),
      proven: (session) => deps.control.proven?.(session.call),
      settled: (session) => this.settled(session),
    };
    this.maker = new TunnelMaker(deps, this.context, sessionIds(options.worker));
  }

  start(): Promise<void> {
    this.deps.hub.attach(this);
    const subscription = this.deps.control.calls$.subscribe((event) => this.onCall(event));
    this.unsubscribe = () => subscription.unsubscribe();
    return Promise.resolve();
  }

  stop(): Promise<void> {
    for (const tunnel of [...this.tunnels.values()]) this.end(tunnel, 'shutdown', 'the gateway stops');
    this.unsubscribe?.();
    this.due.stop();
    return Promise.resolve();
  }

  get size(): number {
    return this.tunnels.size;
  }

  views(): readonly TunnelView[] {
    return [...this.tunnels.values()].map((tunnel) => tunnel.view());
  }

  /** No timer is served until `thaw`; what the devices and the control connections do is theirs. */
  freeze(): void {
    this.due.freeze();
    this.deps.hub.control.flush();
    this.deps.hub.acks.flush();
    this.deps.watchers?.freeze();
  }

  thaw(): void {
    this.deps.watchers?.thaw();
    this.due.thaw();
  }

  /** Of each tunnel, for a process that takes over; undefined where it cannot be moved. */
  snapshots(): readonly {
    readonly call: CallEndpoint;
    readonly up: boolean;
    readonly snapshot: SentTunnel | undefined;
  }[] {
    return [...this.tunnels.values()].map((tunnel) => ({
      call: tunnel.session.call,
      up: tunnel.upAt !== undefined,
      snapshot: tunnel.snapshot(this.deps.snapshotLink?.(tunnel.link)),
    }));
  }

  /** In a process that takes over, before `thaw`: goes on with a tunnel. False: it cannot, and nothing of it is left. */
  restore(snapshot: TunnelSnapshot): boolean {
    const { log, restoreLink, sessions } = this.deps;
    if (restoreLink === undefined || sessions.byCallId(snapshot.call.localCallId) !== undefined) return false;
    const tunnel = this.maker.again(snapshot, restoreLink);
    const { session } = tunnel;
    this.tunnels.set(session, tunnel);
    sessions.add(session);
    let restored = false;
    try {
      for (const stage of this.deps.stages) stage.open?.(session);
      restored = tunnel.restore(snapshot);
    } catch (cause) {
      log.error('upgrade.fault', 'a bug: a tunnel could not be restored', { session: snapshot.id, error: cause });
    }
    if (restored) this.reschedule(session);
    else this.end(tunnel, 'administrative', 'the tunnel could not be moved to the new process');
    return restored;
  }

  /** Whether there is a tunnel of this call. */
  has(call: CallEndpoint): boolean {
    return this.find(call) !== undefined;
  }

  /** A span for what is done about a tunnel elsewhere; undefined when the tunnel is over. */
  later(session: SessionView, name: LaterSpan): PhaseSpan | undefined {
    return [...this.tunnels.values()].find((tunnel) => tunnel.session === session)?.later(name);
  }

  /** The sessions whose user has proven who it is, in the order of their beginning. */
  *live(): IterableIterator<Tunnel> {
    for (const tunnel of this.tunnels.values()) if (tunnel.hasUser) yield tunnel;
  }

  /** Every session, in the order of their beginning. */
  all(): IterableIterator<Tunnel> {
    return this.tunnels.values();
  }

  one(id: SessionId): Tunnel | undefined {
    for (const tunnel of this.tunnels.values()) if (tunnel.session.id === id) return tunnel;
    return undefined;
  }

  /** Undefined: there is no such session, or no user on it yet. */
  liveOne(id: SessionId): Tunnel | undefined {
    const tunnel = this.one(id);
    return tunnel?.hasUser === true ? tunnel : undefined;
  }

  /** `listener` is told of every tunnel whose network is up for the first time. */
  onUp(listener: (tunnel: Tunnel) => void): void {
    this.ups.push(listener);
  }

  /** `listener` is told of every tunnel that is over, with its last numbers. */
  onEnd(listener: (ending: TunnelEnding) => void): void {
    this.endings.push(listener);
  }

  /** For sessions that begin from now on, and for what those that are there have still to ask. */
  reconfigure({ worker: _, ...options }: DriverOptions): void {
    Object.assign(this.context, options);
  }

  /** Ends every link in order: LCP Terminate-Request, then the call. */
  hangUp(detail: string): void {
    for (const tunnel of [...this.tunnels.values()]) tunnel.close('administrative', detail);
  }

  /**
   * The same in turns of the event loop, so that very many links have their Terminate-Requests sent and packets pass in
   * between. Resolves when each has been told.
   */
  async hangUpAll(reason: ClearReason, detail: string): Promise<void> {
    const left = [...this.tunnels.values()];
    for (let told = 0; told < left.length; told += HANG_UPS_A_TURN) {
      for (const tunnel of left.slice(told, told + HANG_UPS_A_TURN)) {
        if (this.tunnels.has(tunnel.session)) tunnel.disconnect({ reason, detail });
      }
      await this.turn();
    }
  }

  private turn(): Promise<void> {
    const { clock } = this.deps;
    return new Promise((resolve) => {
      clock.schedule(after(clock.now(), HANG_UP_TURN_MS), resolve);
    });
  }

  frame(session: Session, protocol: number, bytes: Uint8Array): void {
    this.tunnels.get(session)?.frame(protocol, bytes);
  }

  /** The session's stage or machine wants time no later than `at`. */
  wake(session: Session, at: number): void {
    if (this.tunnels.has(session)) this.due.wake(session, at);
  }

  /** MPPE decrypted a packet to nonsense. Called from inside a batch, so what follows waits for the end of the turn. */
  onGarbage(session: Session, consecutive: number): void {
    const tunnel = this.tunnels.get(session);
    if (tunnel === undefined) return;
    tunnel.undecryptable += 1;
    queueMicrotask(() => {
      reportErrors(this.deps.control, tunnel);
      if (consecutive === GARBAGE_LIMIT) {
        tunnel.undecipherable(`${GARBAGE_LIMIT} packets in a row could not be decrypted: the keys differ`);
      }
    });
  }

  /** Stateful mode lost a packet. Called from inside a batch, so the Reset-Request waits for the end of the turn. */
  onResetNeeded(session: Session): void {
    this.deps.telemetry.event('mppe.reset-needed');
    queueMicrotask(() => this.tunnels.get(session)?.resetNeeded());
  }

  /** Called from inside a batch, so the end of the session waits for the end of the turn. */
  onQuotaReached(session: Session): void {
    this.deps.telemetry.event('session.quota-reached');
    queueMicrotask(() => this.tunnels.get(session)?.quotaReached());
  }

  private settled(session: Session): void {
    this.deps.control.settled?.(session.call);
    const tunnel = this.tunnels.get(session);
    if (tunnel !== undefined) for (const listener of this.ups) listener(tunnel);
  }

  private onCall(event: CallEvent): void {
    if (event.kind === 'opened') {
      this.begin(event);
      return;
    }
    if (event.kind === 'no-call') {
      this.failedConnections.report(event);
      return;
    }
    const tunnel = this.find(event.call);
    if (event.kind === 'closed' && tunnel !== undefined) this.end(tunnel, event.reason, event.detail, event.control);
    if (event.kind === 'link-info') tunnel?.lines.linkInfo(event.sendAccm, event.receiveAccm);
  }

  private begin(event: Extract<CallEvent, { kind: 'opened' }>): void {
    const { sessions, stages } = this.deps;
    const tunnel = this.maker.fresh(event);
    const { session } = tunnel;
    this.tunnels.set(session, tunnel);
    sessions.add(session);
    try {
      for (const stage of stages) stage.open?.(session);
    } catch (cause) {
      tunnel.fault(cause);
      return;
    }
    tunnel.open(event.window, event.since);
  }

  private end(tunnel: Tunnel, reason: ClearReason, detail: string, control?: ControlRecord): void {
    const { session } = tunnel;
    this.tunnels.delete(session);
    this.due.remove(session);
    // Before the tunnel gives back what the view shows.
    const view = tunnel.view();
    tunnel.end(reason, detail, control);
    for (const listener of this.endings) listener({ view, reason, detail, failure: tunnel.spans.failure });
    for (const stage of this.deps.stages) {
      try {
        stage.close?.(session);
      } catch (cause) {
        tunnel.fault(cause);
      }
    }
  }

  /** The newest log-in of a user wins its fixed address: the older tunnel is most likely one whose client is gone. */
  endOlder(identity: string, address: Ipv4): boolean {
    const older = [...this.tunnels.values()].find((tunnel) => tunnel.holds(identity, address));
    return older !== undefined && this.replace(older.session);
  }

  private replace(session: Session): boolean {
    this.deps.control.clear(session.call, 'administrative', 'replaced by a newer log-in of the same user');
    return !this.tunnels.has(session);
  }

  private find(call: CallEndpoint): Tunnel | undefined {
    const session = this.deps.sessions.byCallId(call.localCallId);
    return session === undefined ? undefined : this.tunnels.get(session);
  }

  private reschedule(session: Session): void {
    const tunnel = this.tunnels.get(session);
    if (tunnel === undefined) return;
    this.due.set(session, earliest(tunnel.nextTimeout(), session.get(GRE_CHANNEL)?.nextTimeout()));
  }

  private serve(sessions: readonly Session[], now: Instant): void {
    for (const session of sessions) {
      const tunnel = this.tunnels.get(session);
      if (tunnel === undefined) continue;
      this.packets.take(tunnel, now);
      tunnel.handleTimeout(now);
      this.reschedule(session);
    }
    this.packets.flush(now);
  }
}
