import type { ServiceIdentifier } from 'inversify';
import { BoundedLog } from '../../core/ports/bounded-log.ts';
import type { Clock } from '../../core/ports/clock.ts';
import type { Lifecycle } from '../../core/ports/lifecycle.ts';
import type { Log } from '../../core/ports/log.ts';
import { definePlugin, PLUGIN_API } from '../../core/ports/plugin.ts';
import { TOKENS } from '../../core/tokens.ts';
import { ExecAuthenticator } from './authenticator.ts';
import { checkExecOptions, type ExecOptions, execSettings } from './options.ts';
import { Pool } from './pool.ts';
import { checkProgram } from './program-check.ts';

/** The parts of one gateway. */
export class Exec implements Lifecycle {
  readonly name = 'exec';
  readonly authenticator: ExecAuthenticator;
  readonly pool: Pool;
  private readonly options: ExecOptions;
  private readonly log: Log;

  constructor(clock: Clock, log: Log, options: ExecOptions) {
    this.options = options;
    this.log = log;
    this.pool = new Pool(options, clock, log);
    this.authenticator = new ExecAuthenticator(this.pool, new BoundedLog(log, () => clock.now()), options);
  }

  async start(): Promise<void> {
    await checkProgram(this.options);
    if (process.getuid?.() === 0 && this.options.uid === undefined) {
      this.log.warn('exec.as-root', 'The authentication program runs as root: name a user and a group for it.', {
        settings: 'PPTP_EXEC_UID, PPTP_EXEC_GID',
      });
    }
    this.pool.start();
  }

  stop(): Promise<void> {
    return this.pool.stop();
  }
}

/** Binds the back-end that asks a program. */
export const execPlugin = definePlugin<ExecOptions>({
  name: 'exec',
  api: PLUGIN_API,
  settings: execSettings,
  check: checkExecOptions,
  register({ bind }, options) {
    const exec = Symbol('Exec') as ServiceIdentifier<Exec>;
    bind(exec).toResolvedValue((clock, log) => new Exec(clock, log, options), [TOKENS.Clock, TOKENS.Log]);
    bind(TOKENS.Authenticator).toResolvedValue((one) => one.authenticator, [exec]);
    bind(TOKENS.Lifecycle).toResolvedValue((one) => one, [exec]);
    if (options.traffic) bind(TOKENS.TrafficNeed).toConstantValue('exec');
  },
});
