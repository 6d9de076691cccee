import { existsSync, mkdirSync, mkdtempSync, rmSync, writeFileSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { afterEach, beforeEach, expect, it } from 'vitest';
import { loadConfig } from '../../../../config/load.ts';
import { recoverAbandoned } from '../../../../gateway/workers/abandoned.ts';
import { recoverFallen } from '../../../../gateway/workers/fallen.ts';
import { MemoryLog } from '../../../support/memory-log.ts';
import { FakeHost } from '../../plugins/host-network-linux/fake-host.ts';

let state: string;
beforeEach(() => {
  state = mkdtempSync(join(tmpdir(), 'pptp-abandoned-'));
});
afterEach(() => rmSync(state, { recursive: true }));

const left = (folder: string, device: string): string => {
  const path = join(state, folder);
  mkdirSync(path, { recursive: true });
  const file = join(path, 'host-network.json');
  const undo = [{ kind: 'run', command: { program: 'ip', args: ['route', 'del', '10.99.0.0/25', 'dev', device] } }];
  const place = { bootId: 'boot-1', networkNamespace: 'net:[1]', pid: 999_999_999, startTime: '1' };
  writeFileSync(file, JSON.stringify({ version: 1, ...place, interfaceName: device, undo }));
  return file;
};

it.each([
  [1, ['worker-0', 'worker-1', 'worker-12']],
  [2, ['.', 'worker-12']],
  [13, ['.']],
])('%d workers take back what is in folders that none of them has', async (workers, taken) => {
  const files = new Map(
    ['.', 'worker-0', 'worker-1', 'worker-12'].map((folder) => [folder, left(folder, `d-${folder}`)]),
  );
  mkdirSync(join(state, 'worker-x'));
  const host = new FakeHost();
  const { config } = loadConfig({ env: { PPTP_STATE_DIR: state, PPTP_WORKERS: String(workers) } });
  await recoverAbandoned(config, new MemoryLog(), host);
  expect(host.done.toSorted()).toEqual(taken.map((folder) => `ip route del 10.99.0.0/25 dev d-${folder}`).toSorted());
  for (const [folder, file] of files) expect(existsSync(file)).toBe(!taken.includes(folder));
});

it('does nothing where there is nothing, or where the operator sets up the host', async () => {
  const file = left('worker-0', 'd');
  const host = new FakeHost();
  const of = (env: Readonly<Record<string, string>>) => loadConfig({ env }).config;
  await recoverAbandoned(of({ PPTP_STATE_DIR: state, PPTP_NETWORK_MANAGE: 'false' }), new MemoryLog(), host);
  await recoverAbandoned(of({ PPTP_STATE_DIR: join(state, 'none') }), new MemoryLog(), host);
  expect([host.done, existsSync(file)]).toEqual([[], true]);
});

it('waits for no turn where there is nothing to take back', async () => {
  mkdirSync(join(state, 'worker-5'));
  const host = new FakeHost();
  const { config } = loadConfig({ env: { PPTP_STATE_DIR: state, PPTP_WORKERS: '2' } });
  await recoverAbandoned(config, new MemoryLog(), host);
  expect(host.turns).toBe(0);
});

it('takes back what workers left that died and were not started again', async () => {
  for (const folder of ['.', 'worker-0', 'worker-1', 'worker-2']) left(folder, `d-${folder}`);
  writeFileSync(join(state, 'worker-1', 'admin.sock'), '');
  const host = new FakeHost();
  const { config } = loadConfig({ env: { PPTP_STATE_DIR: state, PPTP_WORKERS: '2' } });
  await recoverFallen(config, new MemoryLog(), host);
  expect(host.done.toSorted()).toEqual([0, 1].map((at) => `ip route del 10.99.0.0/25 dev d-worker-${at}`));
  expect(['worker-0', 'worker-1', 'worker-2'].map((folder) => existsSync(join(state, folder)))).toEqual([
    false,
    false,
    true,
  ]);
});
