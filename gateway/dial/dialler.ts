import type { Ipv4 } from '../../core/bytes/ipv4-address.ts';
import { GatewayError } from '../../core/errors.ts';
import { Redial, type RedialEffect, type RedialInput, type RedialOptions } from '../../core/machine/redial.ts';
import type { Clock } from '../../core/ports/clock.ts';
import type { RandomSource } from '../../core/ports/random.ts';
import type { Instant } from '../../core/time.ts';
import type { DialledPipe } from '../../plugins/control-pptp/index.ts';
import { explainEnd } from './call-outcome.ts';
import type { ClientEvent, ClientNetwork, PptpClient } from './pptp-client.ts';

/** A tunnel that is up, as far as the host is concerned. */
export interface DialledTunnel {
  readonly network: ClientNetwork;
  readonly interfaceName: string;
  /** Outer address of the server. */
  readonly server: Ipv4;
  readonly encryption: PptpClient['encryption'];
  readonly peerMru: number;
}

export interface DiallerDeps {
  readonly clock: Clock;
  readonly random: RandomSource;
  /** Leads to the server's control port. Rejects with GatewayError DIAL_FAILED. */
  connect(signal: AbortSignal): Promise<DialledPipe>;
  createClient(line: DialledPipe): PptpClient;
  /** The host's side; `down` is called for every `up`, also for one that failed. */
  readonly host: { up(tunnel: DialledTunnel): Promise<void>; down(): Promise<void> };
  readonly report: DialReport;
}

export interface DialReport {
  dialling(attempt: number): void;
  up(tunnel: DialledTunnel): void;
  /** An attempt failed or a tunnel ended; undefined: it is not tried again. */
  failed(why: GatewayError, retryInMs: number | undefined): void;
}

/** Keeps one tunnel up: dials, sets the host up, waits, dials again. */
export class Dialler {
  private readonly deps: DiallerDeps;
  private readonly redial: Redial;
  private readonly stopping = new AbortController();
  private readonly finished: Promise<GatewayError | undefined>;
  private finish: (why: GatewayError | undefined) => void = () => undefined;
  private attempt: Promise<void> = Promise.resolve();
  private cancelTimer: (() => void) | undefined;
  private lastFailure: GatewayError | undefined;

  constructor(deps: DiallerDeps, options: Partial<RedialOptions>) {
    this.deps = deps;
    this.redial = new Redial(options, deps.random);
    this.finished = new Promise((resolve) => {
      this.finish = resolve;
    });
  }

  /** Resolves when nothing is left to do: with undefined after `stop`, with the cause when it gave up. */
  async run(): Promise<GatewayError | undefined> {
    this.tell({ kind: 'start' });
    return this.finished;
  }

  /** Hangs up and takes everything back. */
  async stop(): Promise<void> {
    if (this.stopping.signal.aborted) return;
    this.stopping.abort();
    this.tell({ kind: 'stop' });
    await this.attempt;
    this.finish(undefined);
  }

  private tell(input: RedialInput): void {
    this.apply((now) => this.redial.handle(input, now));
  }

  private apply(step: (now: Instant) => readonly RedialEffect[]): void {
    const { clock } = this.deps;
    for (const effect of step(clock.now())) this.execute(effect);
    this.cancelTimer?.();
    this.cancelTimer = undefined;
    const at = this.redial.nextTimeout();
    if (at !== undefined) {
      this.cancelTimer = clock.schedule(at, () => this.apply((now) => this.redial.handleTimeout(now)));
    }
  }

  private execute(effect: RedialEffect): void {
    const why = this.lastFailure;
    if (effect.kind === 'dial') {
      this.deps.report.dialling(effect.attempt);
      this.attempt = this.call();
    } else if (effect.kind === 'wait') {
      if (why !== undefined) this.deps.report.failed(why, effect.delayMs);
    } else if (!this.stopping.signal.aborted) {
      if (why !== undefined) this.deps.report.failed(why, undefined);
      this.finish(why);
    }
  }

  /** One call from its beginning to its end; never rejects. */
  private async call(): Promise<void> {
    const why = await this.callOnce().catch((cause: unknown) => asGatewayError(cause));
    if (this.stopping.signal.aborted) return;
    this.lastFailure = why;
    if (isFatal(why)) {
      this.deps.report.failed(why, undefined);
      this.finish(why);
      return;
    }
    this.tell({ kind: 'ended', authentication: why.code === 'DIAL_AUTH' });
  }

  private async callOnce(): Promise<GatewayError> {
    const { signal } = this.stopping;
    const line = await untilAborted(this.deps.connect(signal), signal);
    if (signal.aborted) line.pipe.abort();
    try {
      const call = new Call(this.deps.createClient(line), line, this.deps, () => this.tell({ kind: 'up' }));
      return await call.run(signal);
    } finally {
      // A client that did not get as far as its control connection has not closed it either.
      line.pipe.abort();
    }
  }
}

/** One client from its start to the moment when nothing of it is left on the host. */
class Call {
  private readonly client: PptpClient;
  private readonly line: DialledPipe;
  private readonly deps: DiallerDeps;
  private readonly onUp: () => void;
  private readonly events: ClientEvent[] = [];
  private wasUp = false;
  /** Changes of the host, one after the other. */
  private host: Promise<void> = Promise.resolve();
  private changing = false;
  private hostIsUp = false;
  /** The next change. Only the last one counts: a server can open and close IPCP faster than a host is changed. */
  private wanted: { readonly tunnel: DialledTunnel | undefined } | undefined;
  private hostFailure: unknown;
  private over: () => void = () => undefined;

  constructor(client: PptpClient, line: DialledPipe, deps: DiallerDeps, onUp: () => void) {
    this.client = client;
    this.line = line;
    this.deps = deps;
    this.onUp = onUp;
  }

  /** Rejects with what the devices or the host refused. */
  async run(signal: AbortSignal): Promise<GatewayError> {
    const ended = new Promise<void>((resolve) => {
      this.over = resolve;
    });
    const onAbort = (): void => this.over();
    signal.addEventListener('abort', onAbort);
    if (signal.aborted) this.over();
    this.client.events$.subscribe((event) => this.notice(event));
    try {
      await this.client.start((device, cause) => {
        this.hostFailure ??= cause instanceof Error ? cause : new Error(`${device} failed: ${String(cause)}`);
        this.over();
      });
      await ended;
    } finally {
      signal.removeEventListener('abort', onAbort);
      this.changeHost(undefined);
      await Promise.all([this.host, this.client.stop()]);
    }
    if (this.hostFailure !== undefined) throw this.hostFailure;
    const { events, wasUp, client, line } = this;
    const { failing, heard } = client;
    return explainEnd({ events, failing, heard, wasUp, server: line.ends.peerName });
  }

  private notice(event: ClientEvent): void {
    // What tells the end is little; a peer that renegotiates for ever must not fill the memory.
    if (event.kind === 'up') this.up(event.network);
    else if (event.kind === 'down') this.changeHost(undefined);
    else {
      this.events.push(event);
      if (event.kind !== 'link-closed') this.over();
    }
  }

  private up(network: ClientNetwork): void {
    const { client, line } = this;
    const { encryption, peerMru } = client;
    this.wasUp = true;
    this.changeHost({ network, interfaceName: client.tunName, server: line.ends.peer, encryption, peerMru });
  }

  /** Undefined: the host is taken back. */
  private changeHost(tunnel: DialledTunnel | undefined): void {
    this.wanted = { tunnel };
    if (this.changing) return;
    this.changing = true;
    this.host = this.host.then(() => this.makeChanges());
  }

  private async makeChanges(): Promise<void> {
    for (let next = this.wanted; next !== undefined; next = this.wanted) {
      this.wanted = undefined;
      try {
        await this.change(next.tunnel);
      } catch (cause) {
        this.hostFailure ??= cause;
        this.over();
      }
    }
    this.changing = false;
  }

  private async change(tunnel: DialledTunnel | undefined): Promise<void> {
    const { host, report } = this.deps;
    if (tunnel === undefined || this.hostIsUp) await host.down();
    this.hostIsUp = tunnel !== undefined;
    if (tunnel === undefined) return;
    await this.setUp(tunnel);
    this.onUp();
    report.up(tunnel);
  }

  private async setUp(tunnel: DialledTunnel): Promise<void> {
    const span = this.client.hostChange();
    try {
      await this.deps.host.up(tunnel);
      span?.end();
    } catch (cause) {
      const { code, message } = asGatewayError(cause);
      span?.end({ error: code, message });
      throw cause;
    }
  }
}

/** A name look-up cannot be called off, only left alone. */
const untilAborted = async <T>(work: Promise<T>, signal: AbortSignal): Promise<T> => {
  let onAbort = (): void => undefined;
  const aborted = new Promise<never>((_resolve, reject) => {
    onAbort = () => reject(new GatewayError('DIAL_FAILED', 'Told to stop.'));
    signal.addEventListener('abort', onAbort);
  });
  try {
    return await Promise.race([work, aborted]);
  } finally {
    signal.removeEventListener('abort', onAbort);
  }
};

const asGatewayError = (cause: unknown): GatewayError =>
  cause instanceof GatewayError
    ? cause
    : new GatewayError('DIAL_LOST', cause instanceof Error ? cause.message : String(cause), { cause });

/**
 * What the same attempt a minute later would meet again: it is about this host, not about the server. HOST_NETWORK is
 * about this host too, but may pass: a route that is in the way, an interface that is down at the moment.
 */
const isFatal = ({ code }: GatewayError): boolean => !code.startsWith('DIAL_') && code !== 'HOST_NETWORK';
