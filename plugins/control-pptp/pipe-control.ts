import { type Observable, Subject } from 'rxjs';
import type { Ipv4 } from '../../core/bytes/ipv4-address.ts';
import type { StartCollisions } from '../../core/machine/pptp-collision.ts';
import { PptpControl } from '../../core/machine/pptp-control.ts';
import type {
  ControlDeps,
  ControlEffect,
  ControlInput,
  ControlOptions,
  ControlPeer,
} from '../../core/machine/pptp-control-types.ts';
import type { CancelSignal } from '../../core/ports/cancel.ts';
import type { Clock } from '../../core/ports/clock.ts';
import type { CallEvent, ClearReason, ControlPlugin, WanErrors } from '../../core/ports/control.ts';
import type { CallEndpoint, CallId } from '../../core/ports/ids.ts';
import type { Log } from '../../core/ports/log.ts';
import { after, earliest, type Instant } from '../../core/time.ts';
import type { BytePipe } from './byte-pipe.ts';
import { ConnectionRecord } from './connection-record.ts';

export interface PipeControlDeps extends ControlDeps {
  readonly clock: Clock;
  readonly log: Log;
  /** Of a process that asks for connections and is asked for them. */
  readonly collisions?: StartCollisions;
}

export type PipeControlOptions = Pick<ControlOptions, 'role'> & Partial<ControlOptions>;

/** What becomes of a connection besides its calls. */
export type PipeHappening =
  | { readonly kind: 'established'; readonly peer: ControlPeer }
  /** The call that we asked for was not opened. `detail` names the RFC's result, or says what went wrong on our side. */
  | { readonly kind: 'call-failed'; readonly result: string; readonly detail: string }
  /** The last of a connection. */
  | { readonly kind: 'ended'; readonly established: boolean; readonly detail: string };

/** After the last message: how long the peer has to close its side, in ms. */
const LINGER_MS = 500;
/** Stopping as a PNS: how long a cleared call has to be confirmed by Call-Disconnect-Notify, in ms. */
const CLEAR_MS = 800;

/** Who is at the two ends of a pipe; the addresses are those of the GRE packets, too. */
export interface PipeEnds {
  readonly local: Ipv4;
  readonly peer: Ipv4;
  /** For logs: "203.0.113.9:51234". */
  readonly peerName: string;
}

/**
 * Control connections over pipes. One that is asked for connections takes the calls of everybody who is attached; one that
 * originates them asks for one call on each as soon as it is established: as `pns` it places it, as `pac` it announces it.
 */
export class PipeControl implements ControlPlugin {
  readonly name: string = 'pipe-control';
  readonly calls$: Observable<CallEvent>;
  readonly happenings$: Observable<PipeHappening>;
  private readonly calls = new Subject<CallEvent>();
  private readonly happenings = new Subject<PipeHappening>();
  private readonly connections = new Set<PipeConnection>();
  private readonly deps: PipeControlDeps;
  private readonly options: PipeControlOptions;
  private refusing = false;
  private stopping: Promise<void> | undefined;
  private whenEmpty: (() => void) | undefined;

  constructor(deps: PipeControlDeps, options: PipeControlOptions) {
    this.deps = deps;
    this.options = options;
    this.calls$ = this.calls.asObservable();
    this.happenings$ = this.happenings.asObservable();
  }

  start(_signal: CancelSignal): Promise<void> {
    return Promise.resolve();
  }

  /** Clears every call, ends every connection in order, and then completes `calls$`. */
  stop(): Promise<void> {
    this.stopping ??= this.endAll();
    return this.stopping;
  }

  private async endAll(): Promise<void> {
    const empty = new Promise<void>((resolve) => {
      this.whenEmpty = resolve;
    });
    for (const connection of this.connections) connection.stop();
    if (this.connections.size > 0) await empty;
    this.calls.complete();
    this.happenings.complete();
  }

  get connectionCount(): number {
    return this.connections.size;
  }

  attach(pipe: BytePipe, ends: PipeEnds): void {
    const connection = new PipeConnection(pipe, ends, this.deps, this.options, {
      call: (event) => this.calls.next(event),
      happened: (happening) => this.happenings.next(happening),
      ended: () => {
        this.connections.delete(connection);
        if (this.connections.size === 0) this.whenEmpty?.();
      },
    });
    this.connections.add(connection);
    if (this.refusing) connection.handle({ kind: 'refuse-calls' });
    connection.open();
  }

  clear({ localCallId }: CallEndpoint, reason: ClearReason, detail: string): void {
    this.of(localCallId)?.handle({ kind: 'clear-call', localCallId, reason, detail });
  }

  wanError({ localCallId }: CallEndpoint, errors: WanErrors): void {
    this.of(localCallId)?.handle({ kind: 'wan-error', localCallId, errors });
  }

  refuseCalls(): void {
    this.refusing = true;
    for (const connection of this.connections) connection.handle({ kind: 'refuse-calls' });
  }

  acceptCalls(): void {
    this.refusing = false;
    for (const connection of this.connections) connection.handle({ kind: 'accept-calls' });
  }

  private of(localCallId: CallId): PipeConnection | undefined {
    for (const connection of this.connections) if (connection.calls.has(localCallId)) return connection;
    return undefined;
  }
}

interface PipeConnectionEvents {
  call(event: CallEvent): void;
  happened(happening: PipeHappening): void;
  ended(): void;
}

/** One pipe and its machine. */
class PipeConnection {
  readonly calls = new Set<CallId>();
  private readonly pipe: BytePipe;
  private readonly ends: PipeEnds;
  private readonly deps: PipeControlDeps;
  private readonly role: PipeControlOptions['role'];
  private readonly originates: boolean;
  private readonly events: PipeConnectionEvents;
  private readonly machine: PptpControl;
  private readonly since: Instant;
  private readonly record: ConnectionRecord;
  /** When the first octet of the peer arrived. */
  private heardAt: Instant | undefined;
  /** Inputs that came while effects were executed, such as a `clear` from a subscriber of `opened`. */
  private readonly waiting: ControlInput[] = [];
  private executing = false;
  private over = false;
  /** Ends what `collisions` was told of this connection. */
  private settled: () => void = () => undefined;
  private established = false;
  /** The machine's last word, better than what the transport says. */
  private farewell: string | undefined;
  /** When a stop waits no longer for the end of the calls. */
  private stopAt: Instant | undefined;
  private lingerUntil: Instant | undefined;
  private timer: { readonly at: Instant; readonly cancel: () => void } | undefined;

  constructor(
    pipe: BytePipe,
    ends: PipeEnds,
    deps: PipeControlDeps,
    options: PipeControlOptions,
    events: PipeConnectionEvents,
  ) {
    this.pipe = pipe;
    this.ends = ends;
    this.deps = deps;
    this.role = options.role;
    this.originates = options.originates ?? options.role === 'pns';
    this.events = events;
    this.since = deps.clock.now();
    this.record = new ConnectionRecord(deps.clock);
    const { collisions } = deps;
    const collide = collisions === undefined ? {} : { collide: () => collisions.meet(ends.peer) };
    const seen = this.record.seen.bind(this.record);
    this.machine = new PptpControl({ ...deps, ...collide, seen }, options);
    pipe.read({
      bytes: (bytes) => {
        this.heardAt ??= deps.clock.now();
        this.handle({ kind: 'bytes', bytes });
      },
      closed: (detail) => this.close(detail),
    });
  }

  open(): void {
    const { local, peer } = this.ends;
    const { collisions } = this.deps;
    if (collisions === undefined || !this.originates) this.handle({ kind: 'open' });
    else if (collisions.serves(peer)) this.handle({ kind: 'yield' });
    else {
      this.settled = collisions.begin(local, peer, () => this.handle({ kind: 'yield' }));
      this.handle({ kind: 'open' });
    }
  }

  handle(input: ControlInput): void {
    if (input.kind === 'yield') this.record.stopped();
    this.waiting.push(input);
    if (!this.executing) this.drain();
  }

  /** A PNS waits a moment for the Call-Disconnect-Notify of each call that it clears. */
  stop(): void {
    this.record.stopped();
    if (this.originates && this.established) {
      this.stopAt = after(this.deps.clock.now(), CLEAR_MS);
      const detail = 'The control connection is stopped.';
      for (const localCallId of [...this.calls]) {
        this.handle({ kind: 'clear-call', localCallId, reason: 'shutdown', detail });
      }
      this.stopWhenClear(this.deps.clock.now());
    } else this.handle({ kind: 'stop', reason: 'shutdown' });
  }

  private stopWhenClear(now: Instant): void {
    if (this.stopAt === undefined || (this.machine.callCount > 0 && now < this.stopAt)) return;
    this.stopAt = undefined;
    this.handle({ kind: 'stop', reason: 'shutdown' });
  }

  private drain(): void {
    for (let next = this.waiting.shift(); next !== undefined; next = this.waiting.shift()) {
      this.execute(this.machine.handle(next, this.deps.clock.now()));
    }
    this.stopWhenClear(this.deps.clock.now());
    this.arm();
  }

  private close(detail: string): void {
    if (this.over) return;
    this.handle({ kind: 'closed', detail });
    this.over = true;
    this.arm();
    this.tellOfNoCall(this.farewell ?? detail);
    this.events.happened({ kind: 'ended', established: this.established, detail: this.farewell ?? detail });
    this.events.ended();
  }

  private execute(effects: readonly ControlEffect[]): void {
    this.executing = true;
    try {
      for (const effect of effects) this.perform(effect);
    } finally {
      this.executing = false;
    }
  }

  private perform(effect: ControlEffect): void {
    switch (effect.kind) {
      case 'send':
        this.pipe.write(effect.bytes);
        return;
      case 'close':
        this.settled();
        this.farewell ??= effect.detail;
        this.stopAt = undefined;
        this.lingerUntil = after(this.deps.clock.now(), LINGER_MS);
        if (effect.abort) this.pipe.abort();
        else this.pipe.end();
        return;
      case 'established':
        this.established = true;
        this.settled();
        if (!this.originates) this.settled = this.deps.collisions?.serve(this.ends.peer) ?? this.settled;
        this.events.happened({ kind: 'established', peer: effect.peer });
        if (this.originates) {
          this.waiting.push({ kind: this.role === 'pns' ? 'place-call' : 'place-incoming-call', tag: 1 });
        }
        return;
      case 'call-opened':
        this.calls.add(effect.localCallId);
        this.events.call({
          kind: 'opened',
          call: this.endpoint(effect),
          peerName: this.ends.peerName,
          window: effect.window,
          processingDelay: effect.processingDelay,
          ...this.record.callOpened(effect.localCallId, effect.peerCallId, this.since),
        });
        return;
      case 'call-closed':
        this.calls.delete(effect.localCallId);
        this.events.call({
          kind: 'closed',
          call: this.endpoint(effect),
          reason: effect.reason,
          detail: effect.detail,
          control: this.record.callClosed(effect.localCallId, effect.peerCallId),
        });
        return;
      case 'link-info':
        this.events.call({
          kind: 'link-info',
          call: this.endpoint(effect),
          sendAccm: effect.sendAccm,
          receiveAccm: effect.receiveAccm,
        });
        return;
      case 'note':
        this.record.noted(effect.event, effect.message);
        this.deps.log[effect.level](effect.event, effect.message, effect.fields);
        return;
      case 'call-failed':
        this.record.callFailed(effect.result, effect.detail);
        this.deps.log.warn('call.failed', `The call was not opened: ${effect.detail}`, { result: effect.result });
        this.events.happened({ kind: 'call-failed', result: effect.result, detail: effect.detail });
        this.waiting.push({ kind: 'stop', reason: 'none' });
        return;
      case 'wan-errors':
        this.deps.log.info('call.wan-errors', 'The peer reports errors of its link.', { ...effect.errors });
        return;
      default:
        effect satisfies never;
    }
  }

  private tellOfNoCall(detail: string): void {
    const record = this.record.withoutCall(this.established, detail);
    if (record === undefined) return;
    const since = this.originates ? this.since : this.heardAt;
    this.events.call({ kind: 'no-call', ...this.ends, since, ...record });
  }

  private endpoint(effect: { readonly localCallId: CallId; readonly peerCallId: CallId }): CallEndpoint {
    const { localCallId, peerCallId } = effect;
    return { local: this.ends.local, peer: this.ends.peer, localCallId, peerCallId };
  }

  private arm(): void {
    const at = this.over ? undefined : earliest(this.machine.nextTimeout(), earliest(this.stopAt, this.lingerUntil));
    if (this.timer?.at === at) return;
    this.timer?.cancel();
    this.timer = undefined;
    if (at === undefined) return;
    this.timer = { at, cancel: this.deps.clock.schedule(at, () => this.onTimer()) };
  }

  private onTimer(): void {
    this.timer = undefined;
    const now = this.deps.clock.now();
    if (this.lingerUntil !== undefined && now >= this.lingerUntil) {
      this.lingerUntil = undefined;
      this.pipe.abort();
    }
    this.execute(this.machine.handleTimeout(now));
    this.drain();
  }
}
