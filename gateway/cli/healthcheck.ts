import { join } from 'node:path';
import type { Environment } from '../../config/sources.ts';
import type { PlainCli } from './context.ts';
import { EXIT } from './exit.ts';

interface HealthFlags {
  readonly live?: true;
  readonly ready?: true;
  readonly timeout: string;
  readonly adminSocket?: string;
  readonly stateDir?: string;
  readonly config?: string;
}

const DEFAULT_STATE_DIR = '/var/lib/pptp-gateway';

/**
 * The admin socket as far as flags and the environment say it; undefined where it takes the whole configuration. A check
 * that runs every few seconds does not load that.
 */
export const quickSocket = (flags: Pick<HealthFlags, 'adminSocket' | 'stateDir' | 'config'>, env: Environment) => {
  if ((flags.config ?? env['PPTP_CONFIG'] ?? '') !== '' || (env['PPTP_PROFILE'] ?? '') !== '') return undefined;
  const socket = flags.adminSocket ?? env['PPTP_ADMIN_SOCKET'] ?? 'auto';
  if (socket.startsWith('/')) return socket;
  if (socket !== 'auto') return undefined;
  const folder = flags.stateDir ?? env['PPTP_STATE_DIR'] ?? DEFAULT_STATE_DIR;
  return folder.startsWith('/') ? join(folder, 'admin.sock') : undefined;
};

const fullSocket = async ({ adminSocket, stateDir, config }: HealthFlags, env: Environment): Promise<string> => {
  const [{ loadConfig }, { withoutCommandNames }, { socketOf }] = await Promise.all([
    import('../../config/load.ts'),
    import('./config-options.ts'),
    import('./running-gateway.ts'),
  ]);
  const named = {
    ...(adminSocket === undefined ? {} : { 'admin.socket': adminSocket }),
    ...(stateDir === undefined ? {} : { stateDir }),
  };
  const file = config === undefined ? {} : { file: config };
  return socketOf(loadConfig({ env: withoutCommandNames(env), named, ...file }).config);
};

/** Adds the verb `healthcheck`. */
export const addHealthcheckVerb = ({ program, services, terminal, finish }: PlainCli): void => {
  const verb = program
    .command('healthcheck')
    .description('Says whether the gateway lives (exit code 0) or not (1), in a line: for HEALTHCHECK of containers.')
    .option('--live', 'it answers at all (the default)')
    .option('--ready', 'it takes calls: not while it starts, drains or stops')
    .option('--timeout <seconds>', 'how long it may take to answer', '5')
    .option('--admin-socket <value>', 'the socket to ask (PPTP_ADMIN_SOCKET)')
    .option('--state-dir <value>', 'the folder with the socket (PPTP_STATE_DIR)')
    .option('--config <file>', 'configuration file that says where the socket is (also PPTP_CONFIG)');
  verb.action(async () => {
    const flags = verb.opts<HealthFlags>();
    const seconds = Number(flags.timeout);
    if (!(seconds > 0 && seconds <= 3600)) verb.error('error: --timeout takes seconds, above 0');
    if (flags.live === true && flags.ready === true) verb.error('error: --live or --ready');
    try {
      const { adminRequest } = await import('../admin/client.ts');
      const socket = quickSocket(flags, services.env) ?? (await fullSocket(flags, services.env));
      const path = flags.ready === true ? '/readyz' : '/healthz';
      const { stream } = await adminRequest(socket, {
        method: 'GET',
        path,
        signal: AbortSignal.timeout(seconds * 1000),
      });
      stream.resume();
      terminal.out(flags.ready === true ? 'ready' : 'alive');
      finish(EXIT.done);
    } catch (error) {
      terminal.out(`unhealthy: ${error instanceof Error ? error.message : String(error)}`);
      // Docker keeps 2 for itself, and knows no others.
      finish(EXIT.failed);
    }
  });
};
