import { mkdtempSync, readdirSync, rmSync, writeFileSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { describe, expect, it } from 'vitest';
import { loadConfig } from '../../../../config/load.ts';
import { shards } from '../../../../gateway/workers/shard.ts';
import { leaveWorkerFolder, makeWorkerFolder, workerConfig } from '../../../../gateway/workers/worker-config.ts';

describe('the configuration of a worker', () => {
  const env = { PPTP_WORKERS: '3', PPTP_STATE_DIR: '/var/lib/gw/', PPTP_MAX_CALLS: '10', PPTP_METRICS_PORT: '9464' };
  const { config } = loadConfig({ env });
  const parts = shards(3).map((shard) => workerConfig(config, shard));

  it('has a share of the calls, a folder and an admin socket of its own, and no metrics page', () => {
    expect(parts.map(({ calls }) => calls.max)).toEqual([4, 3, 3]);
    expect(parts.map(({ stateDir }) => stateDir)).toEqual([0, 1, 2].map((index) => `/var/lib/gw/worker-${index}`));
    expect(new Set(parts.map(({ admin }) => admin.socket)).size).toBe(3);
    expect(parts.map(({ metrics }) => metrics.port)).toEqual([0, 0, 0]);
  });

  it('has the users of the whole gateway', () => {
    expect(parts.map(({ users }) => users.file)).toEqual(Array.from({ length: 3 }, () => config.users.file));
  });
});

describe('the folder of a worker', () => {
  it('is there while it is needed, and stays only with something in it', async () => {
    const state = mkdtempSync(join(tmpdir(), 'pptp-worker-'));
    const folder = join(state, 'worker-1');
    try {
      await makeWorkerFolder(folder);
      await makeWorkerFolder(folder);
      await leaveWorkerFolder(folder);
      await leaveWorkerFolder(folder);
      expect(readdirSync(state)).toEqual([]);
      await makeWorkerFolder(folder);
      writeFileSync(join(folder, 'host.json'), '{}');
      await leaveWorkerFolder(folder);
      expect(readdirSync(folder)).toEqual(['host.json']);
    } finally {
      rmSync(state, { recursive: true });
    }
  });

  it('that cannot be made is an error that says what to set', async () => {
    const state = mkdtempSync(join(tmpdir(), 'pptp-worker-'));
    try {
      writeFileSync(join(state, 'file'), '');
      await expect(makeWorkerFolder(join(state, 'file', 'worker-0'))).rejects.toMatchObject({
        code: 'STATE_DIR',
        message: expect.stringContaining('set PPTP_STATE_DIR'),
      });
    } finally {
      rmSync(state, { recursive: true });
    }
  });
});
