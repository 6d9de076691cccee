import { type Observable, Subject } from 'rxjs';
import type { Ipv4 } from '../../../core/bytes/ipv4-address.ts';
import { PptpControl } from '../../../core/machine/pptp-control.ts';
import type {
  ControlDeps,
  ControlEffect,
  ControlInput,
  ControlOptions,
} from '../../../core/machine/pptp-control-types.ts';
import type { Clock } from '../../../core/ports/clock.ts';
import type { CallEvent, ClearReason, ControlPlugin, WanErrors } from '../../../core/ports/control.ts';
import type { CallEndpoint, CallId } from '../../../core/ports/ids.ts';
import type { Log } from '../../../core/ports/log.ts';
import type { Instant } from '../../../core/time.ts';
import type { BytePipe } from './byte-pipe.ts';

export interface PipeControlDeps extends ControlDeps {
  readonly clock: Clock;
  readonly log: Log;
}

export type PipeControlOptions = Pick<ControlOptions, 'role'> & Partial<ControlOptions>;

/** Who is at the two ends of a pipe; the addresses are those of the GRE packets, too. */
export interface PipeEnds {
  readonly local: Ipv4;
  readonly peer: Ipv4;
  /** For logs: "203.0.113.9:51234". */
  readonly peerName: string;
}

/**
 * Control connections over pipes, in either role: as `pac` it takes the calls of everybody who is attached, as `pns` it
 * places one call on each connection as soon as that is established.
 */
export class PipeControl implements ControlPlugin {
  readonly name = 'pipe-control';
  readonly calls$: Observable<CallEvent>;
  private readonly calls = new Subject<CallEvent>();
  private readonly connections = new Set<PipeConnection>();
  private readonly deps: PipeControlDeps;
  private readonly options: PipeControlOptions;
  private refusing = false;
  private whenEmpty: (() => void) | undefined;

  constructor(deps: PipeControlDeps, options: PipeControlOptions) {
    this.deps = deps;
    this.options = options;
    this.calls$ = this.calls.asObservable();
  }

  start(): Promise<void> {
    return Promise.resolve();
  }

  /** Clears every call, ends every connection in order, and then completes `calls$`. */
  async stop(): Promise<void> {
    const empty = new Promise<void>((resolve) => {
      this.whenEmpty = resolve;
    });
    for (const connection of this.connections) connection.handle({ kind: 'stop', reason: 'shutdown' });
    if (this.connections.size > 0) await empty;
    this.calls.complete();
  }

  get connectionCount(): number {
    return this.connections.size;
  }

  attach(pipe: BytePipe, ends: PipeEnds): void {
    const connection = new PipeConnection(pipe, ends, this.deps, this.options, {
      call: (event) => this.calls.next(event),
      ended: () => {
        this.connections.delete(connection);
        if (this.connections.size === 0) this.whenEmpty?.();
      },
    });
    this.connections.add(connection);
    if (this.refusing) connection.handle({ kind: 'refuse-calls' });
    connection.handle({ kind: 'open' });
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

  private of(localCallId: CallId): PipeConnection | undefined {
    for (const connection of this.connections) if (connection.calls.has(localCallId)) return connection;
    return undefined;
  }
}

interface PipeConnectionEvents {
  call(event: CallEvent): void;
  ended(): void;
}

/** One pipe and its machine. */
class PipeConnection {
  readonly calls = new Set<CallId>();
  private readonly pipe: BytePipe;
  private readonly ends: PipeEnds;
  private readonly deps: PipeControlDeps;
  private readonly role: PipeControlOptions['role'];
  private readonly events: PipeConnectionEvents;
  private readonly machine: PptpControl;
  private readonly since: Instant;
  /** Inputs that came while effects were executed, such as a `clear` from a subscriber of `opened`. */
  private readonly waiting: ControlInput[] = [];
  private executing = false;
  private over = false;
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
    this.events = events;
    this.since = deps.clock.now();
    this.machine = new PptpControl(deps, options);
    pipe.read({
      bytes: (bytes) => this.handle({ kind: 'bytes', bytes }),
      closed: (detail) => this.close(detail),
    });
  }

  handle(input: ControlInput): void {
    this.waiting.push(input);
    if (!this.executing) this.drain();
  }

  private drain(): void {
    for (let next = this.waiting.shift(); next !== undefined; next = this.waiting.shift()) {
      this.execute(this.machine.handle(next, this.deps.clock.now()));
    }
    this.arm();
  }

  private close(detail: string): void {
    this.handle({ kind: 'closed', detail });
    this.over = true;
    this.arm();
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
        if (effect.abort) this.pipe.abort();
        else this.pipe.end();
        return;
      case 'established':
        if (this.role === 'pns') this.waiting.push({ kind: 'place-call', tag: 1 });
        return;
      case 'call-opened':
        this.calls.add(effect.localCallId);
        this.events.call({
          kind: 'opened',
          call: this.endpoint(effect),
          peerName: this.ends.peerName,
          window: effect.window,
          processingDelay: effect.processingDelay,
          since: this.since,
        });
        return;
      case 'call-closed':
        this.calls.delete(effect.localCallId);
        this.events.call({
          kind: 'closed',
          call: this.endpoint(effect),
          reason: effect.reason,
          detail: effect.detail,
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
        this.deps.log[effect.level](effect.event, effect.message, effect.fields);
        return;
      case 'call-failed':
        this.deps.log.warn('call.failed', `The call was not opened: ${effect.detail}`, { result: effect.result });
        this.waiting.push({ kind: 'stop', reason: 'none' });
        return;
      case 'wan-errors':
        this.deps.log.info('call.wan-errors', 'The peer reports errors of its link.', { ...effect.errors });
        return;
      default:
        effect satisfies never;
    }
  }

  private endpoint(effect: { readonly localCallId: CallId; readonly peerCallId: CallId }): CallEndpoint {
    const { localCallId, peerCallId } = effect;
    return { local: this.ends.local, peer: this.ends.peer, localCallId, peerCallId };
  }

  private arm(): void {
    const at = this.over ? undefined : this.machine.nextTimeout();
    if (this.timer?.at === at) return;
    this.timer?.cancel();
    this.timer = undefined;
    if (at === undefined) return;
    this.timer = { at, cancel: this.deps.clock.schedule(at, () => this.onTimer()) };
  }

  private onTimer(): void {
    this.timer = undefined;
    this.execute(this.machine.handleTimeout(this.deps.clock.now()));
    this.drain();
  }
}
