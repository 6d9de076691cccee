import { mkdtempSync, rmSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { type LoadedConfig, loadConfig } from '../../config/load.ts';
import type { Clock } from '../../core/ports/clock.ts';
import { AuditFile } from '../../gateway/admin/audit-file.ts';
import type { AdminDeps, AdminRoute } from '../../gateway/admin/route.ts';
import { ADMIN_ROUTES } from '../../gateway/admin/routes/index.ts';
import { AdminServer } from '../../gateway/admin/server.ts';
import type { Gateway } from '../../gateway/bootstrap.ts';
import { gatewayBody } from '../../gateway/life/gateway-body.ts';
import { Journal } from '../../observability/journal/journal.ts';
import { LogLevels } from '../../observability/log-levels.ts';
import { testLife } from './life.ts';
import { MemoryLog } from './memory-log.ts';

export interface AdminRig {
  readonly folder: string;
  readonly socket: string;
  readonly server: AdminServer<AdminDeps>;
  readonly deps: AdminDeps;
  readonly log: MemoryLog;
  stop(): Promise<void>;
}

export interface AdminRigOptions {
  readonly gateway: Gateway;
  readonly clock: Clock;
  readonly config?: LoadedConfig['config'];
  readonly routes?: readonly AdminRoute[];
  readonly deps?: Partial<AdminDeps>;
}

/** The admin channel of a gateway on a socket of its own. */
export const adminRig = async ({ gateway, clock, config, routes, deps: more }: AdminRigOptions): Promise<AdminRig> => {
  const folder = mkdtempSync(join(tmpdir(), 'pptp-admin-'));
  const socket = join(folder, 'admin.sock');
  const log = new MemoryLog();
  const loaded = loadConfig({ env: { PPTP_STATE_DIR: folder } });
  const deps: AdminDeps = {
    version: '1.2.3',
    config: config ?? loaded.config,
    gateway,
    life: testLife({ clock, log, loaded, body: gatewayBody(gateway) }),
    clock,
    log,
    levels: new LogLevels('info'),
    journal: new Journal(() => clock.now()),
    audit: new AuditFile({ folder, log }),
    ...more,
  };
  const server = new AdminServer(socket, deps, [...ADMIN_ROUTES, ...(routes ?? [])]);
  await server.start();
  const stop = async (): Promise<void> => {
    await server.stop();
    rmSync(folder, { recursive: true });
  };
  return { folder, socket, server, deps, log, stop };
};
