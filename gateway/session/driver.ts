import { formatIpv4, type Ipv4 } from '../../core/bytes/ipv4-address.ts';
import { GRE_CHANNEL, type GreChannel, PEER_WINDOW } from '../../core/datapath/gre-channel.ts';
import { PacketBatch } from '../../core/datapath/packet-batch.ts';
import { PEER_HOST_NAME, Session, type SessionView } from '../../core/datapath/session.ts';
import { SETUP_SPAN } from '../../core/datapath/setup-span.ts';
import type { Stage } from '../../core/datapath/stage.ts';
import { GreWindowStage } from '../../core/datapath/stages/gre-window.stage.ts';
import type { SequenceStage } from '../../core/datapath/stages/sequence.stage.ts';
import type { LinkSnapshot } from '../../core/machine/link-snapshot.ts';
import type { Machine } from '../../core/machine/machine.ts';
import type { EncryptionParameters, LinkEffect, LinkInput } from '../../core/machine/ppp-link-types.ts';
import type { Clock } from '../../core/ports/clock.ts';
import type { CallEvent, ClearReason, ControlPlugin, ControlRecord } from '../../core/ports/control.ts';
import type { CallEndpoint, SessionId } from '../../core/ports/ids.ts';
import type { Lifecycle } from '../../core/ports/lifecycle.ts';
import type { Log } from '../../core/ports/log.ts';
import type { LaterSpan, PhaseSpan, Telemetry, TunnelRole, TunnelTrace } from '../../core/ports/telemetry.ts';
import type { WallClock } from '../../core/ports/wall-clock.ts';
import { after, earliest, type Instant, instant } from '../../core/time.ts';
import type { AskedBackEnd, AskedPool } from '../containment/containment.ts';
import { connectionAttributes, controlEvents, peerAttributes } from './control-events.ts';
import { DeadlineHeap } from './deadline-heap.ts';
import type { DriverHub, StageEvents } from './driver-hub.ts';
import { FailedConnections } from './failed-connections.ts';
import type { Policies } from './policies.ts';
import type { ProfileServices } from './profiles.ts';
import { sessionIds } from './session-ids.ts';
import { SessionLog } from './session-log.ts';
import type { SessionTable } from './session-table.ts';
import type { SessionWatchers } from './session-watchers.ts';
import { Tunnel } from './tunnel.ts';
import type { TunnelContext } from './tunnel-context.ts';
import type { Ipv6Services } from './tunnel-ipv6.ts';
import type { SessionLimits } from './tunnel-limits.ts';
import type { SentTunnel, TunnelSnapshot } from './tunnel-snapshot.ts';
import { TunnelSpans } from './tunnel-spans.ts';
import type { TunnelEnding, TunnelView } from './tunnel-view.ts';

/** The parts of the driver that exist before it: made by the container, shared with the stages. */
export interface DriverDeps {
  readonly clock: Clock;
  readonly log: Log;
  readonly telemetry: Telemetry;
  readonly control: ControlPlugin;
  readonly authenticators: readonly AskedBackEnd[];
  readonly addresses: AskedPool;
  readonly sessions: SessionTable;
  readonly hub: DriverHub;
  readonly stages: readonly Stage[];
  readonly sequence: SequenceStage;
  /** Absent: no IPv6 in the tunnels. */
  readonly ipv6?: Ipv6Services;
  /** What we are in the control connections; `server` when it is not said. */
  readonly role?: TunnelRole;
  readonly wallClock: WallClock;
  /** Undefined: everybody who proves who it is may come in. */
  readonly policies?: Policies | undefined;
  /** Undefined: nobody wants to know of sessions. */
  readonly watchers?: SessionWatchers | undefined;
  readonly profiles: ProfileServices;
  createLink(): Machine<LinkInput, LinkEffect>;
  /** Of a link that another process may go on with. */
  snapshotLink?(link: Machine<LinkInput, LinkEffect>): LinkSnapshot | undefined;
  restoreLink?(snapshot: LinkSnapshot): Machine<LinkInput, LinkEffect>;
  setEncryption(session: Session, parameters: EncryptionParameters | undefined): void;
}

export interface DriverOptions {
  readonly dns: readonly Ipv4[];
  readonly wins: readonly Ipv4[];
  readonly silenceMs: number;
  readonly limits?: SessionLimits;
  /** The index among several workers; undefined: there is one process. */
  readonly worker?: number;
}

/** Undecryptable packets in a row after which the keys cannot be right any more; far above what a line can garble. */
const GARBAGE_LIMIT = 100;
/** Fewer than the outbox for control frames holds: 10,000 tunnels are told to end within 1 s. */
const HANG_UPS_A_TURN = 128;
const HANG_UP_TURN_MS = 10;
/** A packet of the acknowledgment entrance: GRE encode makes it a lone acknowledgment. */
const NOTHING = new Uint8Array(0);

const ended = (trace: TunnelTrace): TunnelTrace => {
  trace.end();
  return trace;
};

/**
 * The one driver: executes the effects of all machines, keeps all deadlines in one heap behind one timer of the clock,
 * and opens and ends sessions as the control connection says.
 */
export class Driver implements Lifecycle, StageEvents {
  readonly name = 'session-driver';
  private readonly deps: DriverDeps;
  private readonly context: TunnelContext;
  private readonly tunnels = new Map<Session, Tunnel>();
  private readonly deadlines = new DeadlineHeap<Session>();
  private readonly releasing = new PacketBatch(128);
  private readonly sending = new PacketBatch(128);
  private readonly window: GreWindowStage | undefined;
  private readonly failedConnections: FailedConnections;
  private cancelTimer: (() => void) | undefined;
  private frozen = false;
  private timerAt = Number.POSITIVE_INFINITY;
  private unsubscribe: (() => void) | undefined;
  private readonly newId: () => SessionId;
  private readonly ups: ((tunnel: Tunnel) => void)[] = [];
  private readonly endings: ((ending: TunnelEnding) => void)[] = [];

  constructor(deps: DriverDeps, options: DriverOptions) {
    this.deps = deps;
    this.newId = sessionIds(options.worker);
    this.failedConnections = new FailedConnections(deps.telemetry, () => deps.clock.now(), deps.role);
    this.window = deps.stages.find((stage) => stage instanceof GreWindowStage);
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
    this.cancelTimer?.();
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
    this.frozen = true;
    this.cancelTimer?.();
    this.timerAt = Number.POSITIVE_INFINITY;
    this.deps.hub.control.flush();
    this.deps.hub.acks.flush();
    this.deps.watchers?.freeze();
  }

  thaw(): void {
    this.frozen = false;
    this.deps.watchers?.thaw();
    this.arm();
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
    const { telemetry, log, restoreLink, sessions } = this.deps;
    if (restoreLink === undefined || sessions.byCallId(snapshot.call.localCallId) !== undefined) return false;
    const { id, call, peerName, openedAt, trace } = snapshot;
    const session = new Session(id, call);
    session.set(PEER_WINDOW, snapshot.window);
    for (const { name, value } of snapshot.attributes) session.attribute(name, value);
    session.restoreDrops(snapshot.drops.map(({ key, count }) => [key, count]));
    session.set(SETUP_SPAN, trace);
    const { role } = this.context;
    const attributes = {
      'session.id': id,
      ...connectionAttributes(role, call.local, call.peer, peerName),
      'pptp.call.id': call.localCallId,
      'pptp.peer_call.id': call.peerCallId,
      'ppp.auth.protocol': snapshot.user.method,
      'user.name': snapshot.user.identity,
      'ppp.ipcp.address': formatIpv4(snapshot.address),
    };
    const resumed =
      telemetry.resumed?.(trace, attributes, openedAt, snapshot.upAt) ??
      ended(telemetry.tunnel(attributes, openedAt, role));
    const spans = new TunnelSpans(resumed, this.context.now, this.context.roundTrip);
    const fields = {
      session: id,
      peer: peerName,
      trace_id: trace.traceId,
      ...(trace.sampled ? { span_id: trace.spanId } : {}),
    };
    const lines = new SessionLog(log, fields, this.context.now);
    const tunnel = new Tunnel(session, peerName, restoreLink(snapshot.link), spans, this.context, lines, openedAt);
    this.tunnels.set(session, tunnel);
    sessions.add(session);
    let restored = false;
    try {
      for (const stage of this.deps.stages) stage.open?.(session);
      restored = tunnel.restore(snapshot);
    } catch (cause) {
      log.error('upgrade.fault', 'a bug: a tunnel could not be restored', { session: id, error: cause });
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
    if (!this.tunnels.has(session)) return;
    const current = this.deadlines.at(session);
    if (current !== undefined && current <= at) return;
    this.deadlines.set(session, at);
    this.arm();
  }

  /** MPPE decrypted a packet to nonsense. Called from inside a batch, so what follows waits for the end of the turn. */
  onGarbage(session: Session, consecutive: number): void {
    const tunnel = this.tunnels.get(session);
    if (tunnel === undefined) return;
    tunnel.undecryptable += 1;
    queueMicrotask(() => {
      this.reportErrors(tunnel);
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
    const { log, telemetry, sessions, stages } = this.deps;
    const id = this.newId();
    const session = new Session(id, event.call);
    session.set(PEER_WINDOW, { packets: event.window, processingDelay: event.processingDelay });
    const hostName = event.control?.hostName ?? '';
    if (hostName !== '') session.attribute(PEER_HOST_NAME, hostName);
    const since = instant(event.since);
    const { role } = this.context;
    const trace = telemetry.tunnel(
      {
        'session.id': id,
        ...connectionAttributes(role, event.call.local, event.call.peer, event.peerName),
        ...peerAttributes(event.control),
        'pptp.call.id': event.call.localCallId,
        'pptp.peer_call.id': event.call.peerCallId,
      },
      since,
      role,
    );
    session.set(SETUP_SPAN, trace.root);
    const connection = trace.phase('control', {}, since);
    controlEvents(connection, event.control);
    connection.end();
    const spans = new TunnelSpans(trace, this.context.now, this.context.roundTrip);
    const fields = {
      session: id,
      peer: event.peerName,
      trace_id: trace.traceId,
      ...(trace.root.sampled ? { span_id: trace.root.spanId } : {}),
    };
    const sessionLog = new SessionLog(log, fields, this.context.now);
    const tunnel = new Tunnel(session, event.peerName, this.deps.createLink(), spans, this.context, sessionLog);
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
    this.deadlines.remove(session);
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
    const due = earliest(tunnel.nextTimeout(), session.get(GRE_CHANNEL)?.nextTimeout());
    if (due === undefined) this.deadlines.remove(session);
    else this.deadlines.set(session, due);
    this.arm();
  }

  /** One timer for the earliest deadline of all. */
  private arm(): void {
    if (this.frozen) return;
    const at = this.deadlines.earliest ?? Number.POSITIVE_INFINITY;
    if (at === this.timerAt) return;
    // An early firing is harmless; only an earlier deadline needs a new timer.
    if (at > this.timerAt) return;
    this.cancelTimer?.();
    this.timerAt = at;
    this.cancelTimer = this.deps.clock.schedule(instant(at), () => this.onTimer());
  }

  private onTimer(): void {
    if (this.frozen) return;
    this.timerAt = Number.POSITIVE_INFINITY;
    const now = this.deps.clock.now();
    // Taken out first: a session that is due again at once waits for the next turn of the event loop.
    const due: Session[] = [];
    for (let session = this.deadlines.takeDue(now); session !== undefined; session = this.deadlines.takeDue(now)) {
      due.push(session);
    }
    for (const session of due) this.serve(session, now);
    this.flushReleased(now);
    this.flushSending(now);
    this.arm();
  }

  private serve(session: Session, now: Instant): void {
    const tunnel = this.tunnels.get(session);
    if (tunnel === undefined) return;
    const channel = session.get(GRE_CHANNEL);
    if (channel !== undefined) {
      while (!this.deps.sequence.releaseDue(session, now, this.releasing)) this.flushReleased(now);
      this.serveWindow(tunnel, channel, now);
      if (channel.queue.lost !== tunnel.lostReported) this.reportErrors(tunnel);
      // One that finds no room stays due: the outbox is empty when the timer fires again.
      if (!this.deps.hub.acks.isFull && channel.takeDueAck(now)) this.deps.hub.acks.put(session, 0, NOTHING);
    }
    tunnel.handleTimeout(now);
    this.reschedule(session);
  }

  /** Sends what waits for the peer's window and may go now. */
  private serveWindow(tunnel: Tunnel, channel: GreChannel, now: Instant): void {
    const { window } = this;
    if (window === undefined || channel.transmit === undefined) return;
    const { timeOuts } = channel.transmit.window;
    while (!window.releaseDue(tunnel.session, now, this.sending)) this.flushSending(now);
    if (channel.transmit.window.timeOuts !== timeOuts) tunnel.lines.windowTimedOut(channel.snapshot());
  }

  /**
   * What a Wan-Error-Notify says of a link without a modem (RFC 2637 section 2.14): CRC errors are packets that arrived
   * and did not decrypt, time-outs are GRE numbers that were waited for in vain, buffer overruns are packets for the peer
   * that found the queue full. Framing, hardware and alignment errors cannot occur.
   */
  private reportErrors(tunnel: Tunnel): void {
    const channel = tunnel.session.get(GRE_CHANNEL);
    tunnel.lostReported = channel?.queue.lost ?? 0;
    this.deps.control.wanError(tunnel.session.call, {
      crc: tunnel.undecryptable,
      framing: 0,
      hardwareOverruns: 0,
      bufferOverruns: channel?.transmit?.dropped ?? 0,
      timeOuts: tunnel.lostReported,
      alignment: 0,
    });
  }

  private flushReleased(now: Instant): void {
    if (this.releasing.count === 0) return;
    this.releasing.now = now;
    this.deps.hub.released.next(this.releasing);
    this.releasing.clear();
  }

  private flushSending(now: Instant): void {
    if (this.sending.count === 0) return;
    this.sending.now = now;
    this.deps.hub.sent.next(this.sending);
    this.sending.clear();
  }
}
