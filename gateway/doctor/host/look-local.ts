import { X509Certificate } from 'node:crypto';
import { constants } from 'node:fs';
import { open, stat } from 'node:fs/promises';
import { connect } from 'node:net';
import { dirname } from 'node:path';
import { fileURLToPath } from 'node:url';
import type { GatewayConfig } from '../../../config/types.ts';
import { GatewayError } from '../../../core/errors.ts';
import { TlsFiles } from '../../../plugins/auth-eap-tls/index.ts';
import { listUsers } from '../../../plugins/backend-user-file/index.ts';
import { loadAddon } from '../../../plugins/io-tun-linux/index.ts';
import { adminRequest } from '../../admin/client.ts';
import type { CertificateFacts } from '../checks/certificates.ts';
import type { ClockFacts } from '../checks/clock.ts';
import type { DeviceFacts } from '../checks/devices.ts';
import type { RightsFacts } from '../checks/rights.ts';
import type { RunningFacts } from '../checks/running.ts';
import type { StateFolderFacts } from '../checks/state-folder.ts';
import { type TelemetryFacts, telemetryEndpoints } from '../checks/telemetry.ts';
import type { UsersFacts } from '../checks/users.ts';
import type { Process } from './processes.ts';
import { canMakeFile, exists, isMissing, messageOf, readText, runProgram } from './system.ts';

type Environment = Readonly<Record<string, string | undefined>>;

export const lookAtRights = async (): Promise<RightsFacts> => {
  const effective = /^CapEff:\s*([0-9a-f]+)$/m.exec((await readText('/proc/self/status')) ?? '')?.[1];
  return {
    isRoot: process.getuid?.() === 0,
    capabilities: effective === undefined ? undefined : BigInt(`0x${effective}`),
  };
};

const TUN = '/dev/net/tun';

export const lookAtDevices = async (): Promise<DeviceFacts> => ({
  tunError: (await exists(TUN)) ? await tunError() : 'missing',
  addonError: addonError(),
});

/** Opening the device without a request makes no interface. */
const tunError = async (): Promise<DeviceFacts['tunError']> => {
  try {
    await (await open(TUN, constants.O_RDWR)).close();
    return undefined;
  } catch {
    return 'refused';
  }
};

const addonError = (): string | undefined => {
  try {
    loadAddon();
    return undefined;
  } catch (cause) {
    return messageOf(cause);
  }
};

/** Programs that set the clock, by the name of the process (the kernel cuts it after 15 characters). */
const KEEPERS: ReadonlySet<string> = new Set(['chronyd', 'ntpd', 'systemd-timesyn', 'ptp4l', 'phc2sys', 'openntpd']);

const usesTls = ({ auth, eap }: GatewayConfig): boolean => auth.methods.includes('eap') && eap.methods.includes('tls');

export const lookAtClock = async (config: GatewayConfig, processes: readonly Process[]): Promise<ClockFacts> => {
  const asked = await runProgram('timedatectl', 'show', '--property=NTPSynchronized', '--value');
  const said = asked.stdout.trim();
  return {
    now: Date.now(),
    built: (await stat(fileURLToPath(import.meta.url))).mtimeMs,
    synchronised: asked.ok && /^(yes|no)$/.test(said) ? said === 'yes' : undefined,
    keeper: processes.find(({ name }) => KEEPERS.has(name))?.name,
    usesCertificates: usesTls(config),
  };
};

export const lookAtUsers = async ({ users }: GatewayConfig): Promise<UsersFacts> => {
  if (await isMissing(users.file)) return { kind: 'missing' };
  try {
    return { kind: 'users', users: await listUsers(users.file) };
  } catch (cause) {
    if (cause instanceof GatewayError) return { kind: 'unusable', message: cause.message };
    throw cause;
  }
};

export const lookAtCertificates = async (config: GatewayConfig): Promise<CertificateFacts> => {
  if (!usesTls(config)) return undefined;
  const { tlsCert, tlsKey, tlsCa, tlsCrl, tlsMinVersion, tlsMaxVersion } = config.eap;
  const files = new TlsFiles({
    cert: tlsCert,
    key: tlsKey,
    ca: tlsCa,
    ...(tlsCrl === 'none' ? {} : { crl: tlsCrl }),
    minVersion: `TLSv${tlsMinVersion}`,
    maxVersion: `TLSv${tlsMaxVersion}`,
  });
  try {
    const { validFrom, validTo, subject } = new X509Certificate((await files.load()).cert);
    return {
      kind: 'read',
      subject: subject.replaceAll('\n', ', '),
      from: Date.parse(validFrom),
      to: Date.parse(validTo),
      now: Date.now(),
    };
  } catch (cause) {
    if (cause instanceof GatewayError) return { kind: 'unusable', message: cause.message };
    throw cause;
  }
};

const CONNECT_MS = 3000;

export const lookAtTelemetry = async (env: Environment): Promise<TelemetryFacts> => {
  const { endpoints, malformed } = telemetryEndpoints(env);
  return {
    endpoints: await Promise.all(
      endpoints.map(async (one) => ({ ...one, error: await connectError(one.host, one.port) })),
    ),
    malformed,
  };
};

const connectError = (host: string, port: number): Promise<string | undefined> =>
  new Promise((resolve) => {
    const socket = connect({ host, port, timeout: CONNECT_MS });
    const settle = (error: string | undefined): void => {
      socket.destroy();
      resolve(error);
    };
    socket.once('connect', () => settle(undefined));
    socket.once('timeout', () => settle(`no answer within ${CONNECT_MS / 1000} s`));
    socket.on('error', (error: NodeJS.ErrnoException) => settle(error.code ?? error.message));
  });

const ANSWER_MS = 3000;

export const lookAtRunning = async ({ admin }: GatewayConfig): Promise<RunningFacts> => {
  if (admin.socket === undefined) return { kind: 'off' };
  if (await isMissing(admin.socket)) return { kind: 'none' };
  try {
    const signal = AbortSignal.timeout(ANSWER_MS);
    const reply = await adminRequest(admin.socket, { method: 'GET', path: '/v1/gateway', signal });
    const { tunnels } = await reply.json<{ readonly tunnels: number }>();
    return { kind: 'answers', tunnels };
  } catch (cause) {
    return { kind: 'silent', message: messageOf(cause) };
  }
};

export const lookAtStateFolder = async ({ stateDir }: GatewayConfig): Promise<StateFolderFacts> => {
  if (await exists(stateDir)) return { state: (await canMakeFile(stateDir)) ? 'writable' : 'refused', canMake: false };
  let above = dirname(stateDir);
  while (!(await exists(above)) && above !== dirname(above)) above = dirname(above);
  return { state: 'missing', canMake: await canMakeFile(above) };
};
