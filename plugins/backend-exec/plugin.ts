import type { ServiceIdentifier } from 'inversify';
import { GatewayError } from '../../core/errors.ts';
import { BoundedLog } from '../../core/ports/bounded-log.ts';
import type { Clock } from '../../core/ports/clock.ts';
import type { HandOver } from '../../core/ports/handover.ts';
import type { Lifecycle } from '../../core/ports/lifecycle.ts';
import { type LiveOptions, optionsInForce } from '../../core/ports/live-options.ts';
import type { Log } from '../../core/ports/log.ts';
import { definePlugin, PLUGIN_API } from '../../core/ports/plugin.ts';
import { TOKENS } from '../../core/tokens.ts';
import { ExecAuthenticator } from './authenticator.ts';
import { LivePool } from './live-pool.ts';
import { checkExecOptions, type ExecOptions, execSettings } from './options.ts';
import { checkProgram } from './program-check.ts';

/** The parts of one gateway. */
export class Exec implements Lifecycle {
  readonly name = 'exec';
  /** Another process has programs of its own; those of this one are ended behind it. */
  readonly handOver: HandOver = {};
  readonly authenticator: ExecAuthenticator;
  readonly pool: LivePool;
  private readonly live: LiveOptions<ExecOptions>;
  private readonly log: Log;
  /** What the processes were started with. */
  private running: ExecOptions;
  private stopped = false;

  constructor(clock: Clock, log: Log, live: LiveOptions<ExecOptions>) {
    this.live = live;
    this.log = log;
    this.running = live.current;
    this.pool = new LivePool(this.running, clock, log);
    const bounded = new BoundedLog(log, () => clock.now());
    this.authenticator = new ExecAuthenticator(this.pool, bounded, optionsInForce(live));
    live.onChange((options) => this.changed(options));
  }

  async start(): Promise<void> {
    const options = this.live.current;
    await checkProgram(options);
    this.warnOfRoot(options);
    if (!this.stopped) this.pool.start();
  }

  stop(): Promise<void> {
    this.stopped = true;
    return this.pool.stop();
  }

  private async changed(options: ExecOptions): Promise<void> {
    try {
      await checkProgram(options);
    } catch (cause) {
      const why = cause instanceof GatewayError ? cause.message : 'it cannot be looked at';
      this.log.error('exec.settings-refused', `The authentication program of before goes on: ${why}`, {});
      return;
    }
    // Others may have come meanwhile.
    if (this.stopped || options !== this.live.current || ofProcesses(options) === ofProcesses(this.running)) return;
    this.running = options;
    this.warnOfRoot(options);
    this.pool.replace(options);
  }

  private warnOfRoot({ uid }: ExecOptions): void {
    if (process.getuid?.() !== 0 || uid !== undefined) return;
    this.log.warn('exec.as-root', 'The authentication program runs as root: name a user and a group for it.', {
      settings: 'PPTP_EXEC_UID, PPTP_EXEC_GID',
    });
  }
}

/** What only the gateway looks at needs no other processes. */
const ofProcesses = ({ proofs, fixedAddresses, traffic, ...rest }: ExecOptions): string => JSON.stringify(rest);

/** Binds the back-end that asks a program. */
export const execPlugin = definePlugin<ExecOptions>({
  name: 'exec',
  api: PLUGIN_API,
  settings: execSettings,
  check: checkExecOptions,
  async checkHere(options) {
    try {
      await checkProgram(options);
      return [];
    } catch (cause) {
      if (cause instanceof GatewayError) return [cause.message];
      throw cause;
    }
  },
  register({ bind }, options, live) {
    const exec = Symbol('Exec') as ServiceIdentifier<Exec>;
    bind(exec).toResolvedValue((clock, log) => new Exec(clock, log, live), [TOKENS.Clock, TOKENS.Log]);
    bind(TOKENS.Authenticator).toResolvedValue((one) => one.authenticator, [exec]);
    bind(TOKENS.Lifecycle).toResolvedValue((one) => one, [exec]);
    if (options.traffic) bind(TOKENS.TrafficNeed).toConstantValue('exec');
  },
});
