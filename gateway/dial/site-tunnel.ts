import { formatIpv4, type Ipv4 } from '../../core/bytes/ipv4-address.ts';
import { GatewayError } from '../../core/errors.ts';
import type { StartCollisions } from '../../core/machine/pptp-collision.ts';
import type { Clock } from '../../core/ports/clock.ts';
import type { Log } from '../../core/ports/log.ts';
import type { RandomSource } from '../../core/ports/random.ts';
import type { Telemetry } from '../../core/ports/telemetry.ts';
import { after } from '../../core/time.ts';
import type { DialledPipe } from '../../plugins/control-pptp/index.ts';
import { type DialledTunnel, Dialler, type DiallerDeps, type DialReport } from './dialler.ts';
import { describeTunnel } from './run-dial.ts';
import { inSettings } from './site-host.ts';
import { tracedConnect } from './traced-connect.ts';

export interface SiteTunnelDeps extends Pick<DiallerDeps, 'createClient'> {
  readonly clock: Clock;
  readonly random: RandomSource;
  readonly log: Log;
  readonly telemetry: Telemetry;
  readonly collisions: StartCollisions;
  /** The other site as the operator names it. */
  readonly server: string;
  resolve(server: string): Promise<Ipv4>;
  connect(server: Ipv4, signal: AbortSignal): Promise<DialledPipe>;
  readonly host: DiallerDeps['host'] & {
    /** Takes back what a gateway that was killed left. */
    recover(): Promise<void>;
  };
}

/** A refused user is tried again seldom: a server may lock the account. */
const AFTER_REFUSED_USER_MS = 600_000;
const AFTER_OTHER_FAILURE_MS = 60_000;

/**
 * A gateway's own tunnel to another site's gateway, which may dial this one just as well: while the other has a connection
 * with us, none is asked for. Nothing that goes wrong here ends the gateway.
 */
export class SiteTunnel {
  private readonly deps: SiteTunnelDeps;
  private readonly log: Log;
  private readonly stopping = new AbortController();
  private dialler: Dialler | undefined;
  /** The other site's address, when it was found to have a connection with us. */
  private heldBy: Ipv4 | undefined;
  private running: Promise<void> = Promise.resolve();

  constructor(deps: SiteTunnelDeps) {
    this.deps = deps;
    this.log = deps.log.child({ site: deps.server });
  }

  start(): void {
    this.running = this.run();
  }

  /** Hangs up and takes the host's side back; never rejects. */
  async stop(): Promise<void> {
    this.stopping.abort();
    await this.dialler?.stop();
    await this.running;
  }

  private async run(): Promise<void> {
    const { signal } = this.stopping;
    while (!signal.aborted) {
      const why = await this.dial().catch((cause: unknown) => cause);
      if (signal.aborted) return;
      const { heldBy } = this;
      this.heldBy = undefined;
      if (heldBy !== undefined) {
        await this.untilGone(heldBy, signal);
        continue;
      }
      const waitMs = codeOf(why) === 'DIAL_AUTH' ? AFTER_REFUSED_USER_MS : AFTER_OTHER_FAILURE_MS;
      this.log.warn('site.failed', `${codeOf(why)}: ${textOf(why)}`, { retryInMs: waitMs });
      await this.pause(waitMs);
    }
  }

  /** Keeps dialling until there is nothing left to try, or `stop`. */
  private async dial(): Promise<GatewayError | undefined> {
    const { clock, random, createClient, host } = this.deps;
    await host.recover();
    if (this.stopping.signal.aborted) return undefined;
    const connect = tracedConnect((signal) => this.connect(signal), this.deps, this.deps.server);
    const deps = { clock, random, connect, createClient, host, report: this.report() };
    const dialler = new Dialler(deps, { policy: 'always', retryAuthentication: false });
    this.dialler = dialler;
    try {
      return await dialler.run();
    } finally {
      await dialler.stop();
    }
  }

  private async connect(signal: AbortSignal): Promise<DialledPipe> {
    const { deps } = this;
    const server = await deps.resolve(deps.server);
    if (signal.aborted || !deps.collisions.serves(server)) return deps.connect(server, signal);
    // Failures before the other's tunnel say nothing of the time after it: a new dialler has no waits to make up for.
    this.heldBy = server;
    void this.dialler?.stop();
    throw new GatewayError('DIAL_YIELDED', 'The other site has a connection with us.');
  }

  private async untilGone(server: Ipv4, signal: AbortSignal): Promise<void> {
    const { collisions } = this.deps;
    if (!collisions.serves(server)) return;
    const from = formatIpv4(server);
    this.log.info('site.waiting', `${from} has a control connection with us; it is not dialled until that has gone`);
    await untilAbortedOr(signal, (resolve) => collisions.whenGone(server, resolve));
  }

  private report(): DialReport {
    const { log, deps } = this;
    return {
      dialling: (attempt) => log.debug('site.dialling', `dialling ${deps.server}`, { attempt }),
      up: (tunnel: DialledTunnel) => {
        for (const line of describeTunnel(deps.server, tunnel)) log.info('site.up', line);
      },
      failed: ({ code, message }, retryInMs) => {
        // The last one is told with how long it will be until the next.
        if (retryInMs === undefined) return;
        log[code === 'DIAL_YIELDED' ? 'info' : 'warn']('site.down', `${code}: ${inSettings(message)}`, { retryInMs });
      },
    };
  }

  private pause(ms: number): Promise<void> {
    const { clock } = this.deps;
    return untilAbortedOr(this.stopping.signal, (resolve) => clock.schedule(after(clock.now(), ms), resolve));
  }
}

/** `begin` is given what to call, and returns what calls it off. */
const untilAbortedOr = (signal: AbortSignal, begin: (resolve: () => void) => () => void): Promise<void> =>
  new Promise((resolve) => {
    const onAbort = (): void => {
      off();
      resolve();
    };
    const off = begin(() => {
      signal.removeEventListener('abort', onAbort);
      resolve();
    });
    signal.addEventListener('abort', onAbort);
    if (signal.aborted) onAbort();
  });

const codeOf = (why: unknown): string => (why instanceof GatewayError ? why.code : 'DIAL_LOST');
const textOf = (why: unknown): string => (why instanceof Error ? inSettings(why.message) : 'the tunnel ended.');
