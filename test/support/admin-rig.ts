import { mkdtempSync, rmSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { type LoadedConfig, loadConfig } from '../../config/load.ts';
import type { Clock } from '../../core/ports/clock.ts';
import { AuditFile } from '../../gateway/admin/audit-file.ts';
import type { AdminDeps, AdminRoute } from '../../gateway/admin/route.ts';
import { ADMIN_ROUTES } from '../../gateway/admin/routes/index.ts';
import { AdminServer, type AdminServerOptions, type TcpEntrance } from '../../gateway/admin/server.ts';
import type { Gateway } from '../../gateway/bootstrap.ts';
import { gatewayBody } from '../../gateway/life/gateway-body.ts';
import { Journal } from '../../observability/journal/journal.ts';
import { LogLevels } from '../../observability/log-levels.ts';
import { OpenTelemetryTelemetry } from '../../observability/telemetry.ts';
import { testLife } from './life.ts';
import { MemoryLog } from './memory-log.ts';

export interface AdminRig {
  readonly folder: string;
  readonly socket: string;
  readonly server: AdminServer<AdminDeps>;
  readonly deps: AdminDeps;
  readonly log: MemoryLog;
  /** "http://127.0.0.1:40123", where `tcp` was asked for. */
  readonly url: string;
  stop(): Promise<void>;
}

export interface AdminRigOptions {
  readonly gateway: Gateway;
  readonly clock: Clock;
  readonly config?: LoadedConfig['config'];
  readonly routes?: readonly AdminRoute[];
  readonly deps?: Partial<AdminDeps>;
  /** Listen on a free port of the host too, with `RIG_TOKENS`. */
  readonly tcp?: Partial<TcpEntrance> | true;
  readonly pages?: AdminServerOptions['pages'];
}

export const RIG_TOKENS = {
  admin: 'admin-of-the-looking-glass',
  operate: 'operator-of-the-looking-glass',
  read: 'reader-of-the-looking-glass',
} as const;

const entrance = (tcp: Partial<TcpEntrance> | true): TcpEntrance => {
  const { admin, operate, read } = RIG_TOKENS;
  const env = { PPTP_ADMIN_TOKEN: admin, PPTP_ADMIN_OPERATE_TOKEN: operate, PPTP_ADMIN_READ_TOKEN: read };
  const settings = loadConfig({ env: { ...env, PPTP_ADMIN_PORT: '8723' } }).config.admin;
  return {
    address: '127.0.0.1',
    port: 0,
    tls: undefined,
    settings: () => settings,
    madeToken: undefined,
    ...(tcp === true ? {} : tcp),
  };
};

/** The admin channel of a gateway on a socket of its own. */
export const adminRig = async (options: AdminRigOptions): Promise<AdminRig> => {
  const { gateway, clock, config, routes, deps: more, tcp, pages } = options;
  const folder = mkdtempSync(join(tmpdir(), 'pptp-admin-'));
  const socket = join(folder, 'admin.sock');
  const log = new MemoryLog();
  const own = loadConfig({ env: { PPTP_STATE_DIR: folder } });
  const loaded = { ...own, config: config ?? own.config };
  const deps: AdminDeps = {
    version: '1.2.3',
    config: loaded.config,
    gateway,
    life: testLife({ clock, log, loaded, body: gatewayBody(gateway) }),
    clock,
    log,
    levels: new LogLevels('info'),
    journal: new Journal(() => clock.now()),
    counts: new OpenTelemetryTelemetry(),
    audit: new AuditFile({ folder, log }),
    ...more,
  };
  const server = new AdminServer(socket, deps, [...ADMIN_ROUTES, ...(routes ?? [])], {
    ...(tcp === undefined ? {} : { tcp: entrance(tcp) }),
    ...(pages === undefined ? {} : { pages }),
  });
  await server.start().catch((cause: unknown) => {
    rmSync(folder, { recursive: true });
    throw cause;
  });
  const secure = tcp !== undefined && tcp !== true && tcp.tls !== undefined;
  const url = `${secure ? 'https' : 'http'}://127.0.0.1:${server.tcpAddress?.port ?? 0}`;
  const stop = async (): Promise<void> => {
    await server.stop();
    rmSync(folder, { recursive: true });
  };
  return { folder, socket, server, deps, log, url, stop };
};
