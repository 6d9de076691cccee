import { mkdir } from 'node:fs/promises';
import type { LoadedConfig } from '../../config/load.ts';
import type { GatewayConfig } from '../../config/types.ts';
import { formatIpv4 } from '../../core/bytes/ipv4-address.ts';
import { GatewayError } from '../../core/errors.ts';
import { WHY_REFUSED } from '../../core/machine/ppp-link-auth.ts';
import type { Log } from '../../core/ports/log.ts';
import { MPPE_OVERHEAD } from '../../core/wire/mppe-header.ts';
import { logBridge } from '../../observability/log-bridge.ts';
import { createLog } from '../../observability/logger.ts';
import { startTelemetrySdk } from '../../observability/sdk.ts';
import { OpenTelemetryTelemetry } from '../../observability/telemetry.ts';
import { createUserNames } from '../../observability/user-names.ts';
import { connectControl, type DialledPipe } from '../../plugins/control-pptp/index.ts';
import { ClientNetwork } from '../../plugins/host-network-linux/index.ts';
import type { Platform } from '../bootstrap.ts';
import { builtinPlugins } from '../builtin-plugins.ts';
import type { DialOrder, DialRoute } from '../cli/dial.ts';
import { EXIT } from '../cli/exit.ts';
import type { CliTerminal } from '../cli/terminal.ts';
import { gatewayOptions, TUN_QUEUE_LENGTH } from '../options.ts';
import { packetTraces, type TracePackets } from '../packet-traces.ts';
import type { LoadedPlugin } from '../plugin-loader.ts';
import { systemClock, systemRandom } from '../system-clock.ts';
import { untilToldToStop } from '../until-told.ts';
import { otelEndpoints, withMetrics } from '../with-metrics.ts';
import { CurrentAccount } from './current-account.ts';
import { dialWarnings } from './dial-warnings.ts';
import { type DialledTunnel, Dialler, type DiallerDeps, type DialReport } from './dialler.ts';
import { clientOptions, PptpClient } from './pptp-client.ts';
import { tracedConnect } from './traced-connect.ts';

/** For the TCP connection to the server, in ms. */
export const CONNECT_TIMEOUT_MS = 15_000;
/** Built-in plug-ins that only a server has a use for. */
const SERVER_ONLY: ReadonlySet<string> = new Set(['control-pptp', 'backend-user-file', 'host-network-linux']);

/** Devices and methods of a client, without a server's. */
export const clientPlugins = (config: GatewayConfig): readonly LoadedPlugin[] => {
  const listen = { ...config.listen, address: '0.0.0.0' };
  return builtinPlugins({ ...config, listen }, () => undefined).filter(({ name }) => !SERVER_ONLY.has(name));
};

/**
 * Keeps a tunnel to a PPTP server up until SIGTERM or SIGINT; resolves with the exit code. Throws GatewayError when it
 * gives up, with everything taken back by then.
 */
export async function runDial(
  loaded: LoadedConfig,
  order: DialOrder,
  terminal: Pick<CliTerminal, 'out' | 'err'>,
  version: string,
): Promise<number> {
  const { config } = loaded;
  const userNames = createUserNames(config.telemetry.userNames, config.telemetry.hashKey);
  const bridge = logBridge();
  const log = createLog({
    ...config.log,
    level: logLevel(loaded, order),
    userNames,
    copy: bridge,
    // Standard output is for the few lines that a person or a script waits for.
    sink: { write: (line) => void process.stderr.write(line) },
    terminal: process.stderr.isTTY === true,
  });
  for (const warning of [...loaded.warnings, ...dialWarnings(config)]) log.warn('config.warning', warning);
  const told = untilToldToStop(log);
  const host = new ClientNetwork({ log }, { stateDirectory: config.stateDir, interfaceName: config.tun.name });
  await makeStateFolder(config.stateDir);
  await host.recover();
  // A gateway with the same configuration may run on this host, so its metrics port is not for us.
  const endpoints = otelEndpoints(process.env);
  const sdk = await startTelemetrySdk({ version, log, bridge });
  try {
    const telemetry = new OpenTelemetryTelemetry({ log, userNames, now: systemClock.now });
    const platform = { clock: systemClock, random: systemRandom, log, telemetry };
    const account = new CurrentAccount(order, () =>
      terminal.out(`${order.host} has taken the new password of ${order.userName}: from now on it is the password`),
    );
    const tracePackets = packetTraces(config.packetTraces, sdk?.traces === true, platform);
    const dialler = makeDialler(
      { ...platform, tracePackets },
      config,
      order,
      account,
      host,
      dialReport(order, terminal, log),
    );
    const metrics = { version, log, telemetry, endpoints, otel: sdk?.metrics === true };
    const outcome = await withMetrics(metrics, () => Promise.race([dialler.run(), told.promise]));
    await dialler.stop();
    if (outcome instanceof GatewayError) throw ownWords(outcome, order, config.tun.name);
    terminal.out(`disconnected from ${order.host}`);
    return EXIT.done;
  } finally {
    await sdk?.shutdown();
  }
}

/** The host's side of a tunnel. */
export const clientHost = (
  host: ClientNetwork,
  config: GatewayConfig,
  routes: readonly DialRoute[],
): DiallerDeps['host'] => ({
  up: ({ network, interfaceName, server, encryption, peerMru }) =>
    host.up({
      interfaceName,
      address: network.address,
      peer: network.gateway,
      server,
      mtu: Math.min(config.tun.mtu, peerMru - (encryption === undefined ? 0 : MPPE_OVERHEAD)),
      queueLength: TUN_QUEUE_LENGTH,
      routes,
    }),
  down: () => host.down(),
});

const makeDialler = (
  platform: Platform & { readonly tracePackets: TracePackets },
  config: GatewayConfig,
  order: DialOrder,
  account: CurrentAccount,
  host: ClientNetwork,
  report: DialReport,
): Dialler => {
  const options = gatewayOptions(config);
  const plugins = clientPlugins(config);
  const { clock, random } = platform;
  return new Dialler(
    {
      clock,
      random,
      connect: tracedConnect(
        (signal) => connectControl({ ...order, timeoutMs: CONNECT_TIMEOUT_MS }, signal),
        platform,
        order.host,
      ),
      createClient: (line: DialledPipe) => {
        const client = new PptpClient(platform, clientOptions(options, account.now), plugins, line, order);
        platform.tracePackets(client);
        client.passwordChanged$.subscribe(() => account.passwordChanged());
        return client;
      },
      host: clientHost(host, config, order.routes),
      report,
    },
    { policy: order.policy, retryAuthentication: order.retryAuthentication },
  );
};

/** What `dial` says; the events of the log are for machines. */
const dialReport = (order: DialOrder, { out, err }: Pick<CliTerminal, 'out' | 'err'>, log: Log): DialReport => ({
  dialling: (attempt) => log.info('dial.attempt', `dialling ${order.host}`, { attempt }),
  up: (tunnel) => {
    for (const line of describeTunnel(order.host, tunnel)) out(line);
  },
  failed: ({ code, message }, retryInMs) => {
    // The last one is the end of the command, which prints it.
    if (retryInMs === undefined) return;
    err(`pptp-gateway: ${code}: ${message} Dialling again in ${(retryInMs / 1000).toFixed(1)} s.`);
  },
});

/** The lines about a tunnel that is up. */
export const describeTunnel = (
  host: string,
  { network, interfaceName, server, encryption }: DialledTunnel,
): readonly string[] => {
  const outer = formatIpv4(server);
  const cipher =
    encryption?.strength === undefined
      ? 'NOT encrypted'
      : `MPPE ${encryption.strength}-bit ${encryption.stateless ? 'stateless' : 'stateful'}`;
  const at = host === outer ? outer : `${host} (${outer})`;
  const inner = `address ${formatIpv4(network.address)}, server ${formatIpv4(network.gateway)}`;
  const dns = network.dns.map(formatIpv4).join(', ');
  return [
    `connected to ${at}: ${inner}, device ${interfaceName}, ${cipher}`,
    ...(dns === '' ? [] : [`DNS servers of the tunnel: ${dns}`]),
  ];
};

const logLevel = ({ config, origins }: LoadedConfig, { verbose }: DialOrder): GatewayConfig['log']['level'] => {
  if (origins.get('log.level')?.kind !== 'default') return config.log.level;
  return verbose ? 'info' : 'warn';
};

/** What `dial` can do about it; the device's advice is for a gateway. */
export const ownWords = (
  error: GatewayError,
  { newPassword }: Pick<DialOrder, 'newPassword'>,
  device: string,
): GatewayError => {
  const { code, message } = error;
  if (code === 'TUN_BUSY') {
    const what = `The tunnel device "${device}" cannot be used, or is in use by another process: choose another --tun.`;
    return new GatewayError(code, what, { cause: error });
  }
  if (code === 'DIAL_AUTH' && newPassword === undefined && message.includes(WHY_REFUSED.expired)) {
    return new GatewayError(code, `${message} Give the next one with --new-password-file.`, { cause: error });
  }
  return error;
};

const makeStateFolder = async (path: string): Promise<void> => {
  try {
    await mkdir(path, { recursive: true, mode: 0o700 });
  } catch (cause) {
    const why = cause instanceof Error ? cause.message : String(cause);
    throw new GatewayError(
      'STATE_DIR',
      `the state folder ${path} cannot be made (${why}): run dial as root, or set PPTP_STATE_DIR to a folder it may write to.`,
      { cause },
    );
  }
};
