import { existsSync, mkdtempSync, readFileSync, rmSync } from 'node:fs';
import { createServer } from 'node:http';
import type { AddressInfo } from 'node:net';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { afterEach, beforeEach, describe, expect, it, vi } from 'vitest';
import { loadConfig } from '../../../../config/load.ts';
import { silentAudit } from '../../../../gateway/admin/audit-file.ts';
import type { AdminDeps } from '../../../../gateway/admin/route.ts';
import { healthRoute } from '../../../../gateway/admin/routes/health.ts';
import { type ServedDeps, serveAdmin } from '../../../../gateway/admin/serve.ts';
import { withAdmin } from '../../../../gateway/admin/with-admin.ts';
import { FakeClock } from '../../../support/fake-clock.ts';
import { talk } from '../../../support/http-talk.ts';
import { testLife } from '../../../support/life.ts';
import { MemoryLog } from '../../../support/memory-log.ts';

const freePort = async (): Promise<number> => {
  const server = createServer().listen(0, '127.0.0.1');
  await new Promise((resolve) => server.once('listening', resolve));
  const { port } = server.address() as AddressInfo;
  await new Promise((resolve) => server.close(resolve));
  return port;
};

let folder: string;
let port: number;
beforeEach(async () => {
  folder = mkdtempSync(join(tmpdir(), 'pptp-serve-'));
  port = await freePort();
});
afterEach(() => rmSync(folder, { recursive: true }));

const made = (env: Readonly<Record<string, string>> = {}) => {
  const log = new MemoryLog();
  const loaded = loadConfig({ env: { PPTP_STATE_DIR: folder, PPTP_ADMIN_PORT: String(port), ...env } });
  const life = testLife({ clock: new FakeClock(), loaded, starting: true });
  const deps: ServedDeps = { version: '1', config: loaded.config, life, log, audit: silentAudit };
  const token = (): string => readFileSync(join(folder, 'admin-token'), 'utf8').trim();
  return { log, life, deps, token, url: `http://127.0.0.1:${port}` };
};

describe('the server of a configuration', () => {
  it('answers before the gateway has started, with a token of its own making', async () => {
    const { deps, log, life, token, url } = made();
    const worked = await serveAdmin(deps, [healthRoute], async () => {
      expect((await talk(url, '/readyz')).text).toBe('starting\n');
      life.started();
      expect((await talk(url, '/readyz')).text).toBe('ready\n');
      return token();
    });
    expect(worked).toHaveLength(32);
    expect(JSON.stringify(log.lines)).not.toContain(worked);
    expect(JSON.stringify(log.lines)).toContain(join(folder, 'admin-token'));
    expect(token()).toBe(worked);
    expect(existsSync(join(folder, 'admin.sock'))).toBe(false);
    await expect(talk(url, '/readyz')).rejects.toMatchObject({ code: 'ECONNREFUSED' });
  });

  it('leaves no token of a gateway that never ran', async () => {
    const { deps } = made();
    const failed = serveAdmin(deps, [healthRoute], () => Promise.reject(new Error('no TUN')));
    await expect(failed).rejects.toThrow('no TUN');
    expect(existsSync(join(folder, 'admin-token'))).toBe(false);
  });

  it('keeps the token of one that ran, and one that was there before', async () => {
    const ran = made();
    const failed = serveAdmin(ran.deps, [healthRoute], () => {
      ran.life.started();
      return Promise.reject(new Error('the device died'));
    });
    await expect(failed).rejects.toThrow();
    const token = ran.token();
    const again = made();
    await expect(serveAdmin(again.deps, [healthRoute], () => Promise.reject(new Error('no TUN')))).rejects.toThrow();
    expect(again.token()).toBe(token);
  });

  it('makes none where the configuration has one', async () => {
    const { deps } = made({ PPTP_ADMIN_READ_TOKEN: 'somebody-who-looks' });
    await serveAdmin(deps, [healthRoute], () => Promise.resolve());
    expect(existsSync(join(folder, 'admin-token'))).toBe(false);
  });

  it('that cannot listen does no work, and leaves nothing', async () => {
    const other = createServer().listen(port, '127.0.0.1');
    await new Promise((resolve) => other.once('listening', resolve));
    const work = vi.fn();
    await expect(serveAdmin(made().deps, [healthRoute], work)).rejects.toMatchObject({ code: 'ADMIN_LISTEN' });
    expect(work).not.toHaveBeenCalled();
    expect(existsSync(join(folder, 'admin.sock'))).toBe(false);
    expect(existsSync(join(folder, 'admin-token'))).toBe(false);
    await new Promise((resolve) => other.close(resolve));
  });
});

describe('a gateway that nobody can ask', () => {
  it('loads nothing of it', async () => {
    vi.resetModules();
    vi.doMock('../../../../gateway/admin/serve.ts', () => {
      throw new Error('the server was loaded');
    });
    const off = { PPTP_ADMIN_SOCKET: 'off', PPTP_ADMIN_PORT: '0' };
    const { deps } = made(off);
    const unused = deps as AdminDeps;
    expect(await withAdmin(unused, [], () => Promise.resolve('worked'))).toBe('worked');
    const asked = { ...unused, config: made().deps.config };
    await expect(withAdmin(asked, [], () => Promise.resolve('worked'))).rejects.toThrow(/loaded|mock/);
    vi.doUnmock('../../../../gateway/admin/serve.ts');
  });
});
