import { closeSync, mkdtempSync, openSync, readFileSync, rmSync, writeFileSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { afterEach, beforeEach, expect, test } from 'vitest';
import type { GatewayConfig } from '../../../../config/types.ts';
import { GatewayError } from '../../../../core/errors.ts';
import type { SentPart } from '../../../../gateway/upgrade/handed-parts.ts';
import { GatewayMover, type UpgradedGateway } from '../../../../gateway/upgrade/mover.ts';
import { Upgrade } from '../../../../gateway/upgrade/predecessor.ts';
import { STATE_VERSION } from '../../../../gateway/upgrade/state-version.ts';
import { MemoryLog } from '../../../support/memory-log.ts';

/** A new process of the program, as far as it talks: at which step it goes wrong is its argument. */
const PROGRAM = `
import { writeFileSync } from 'node:fs';
const [file, mode] = process.argv.slice(2);
const wrong = (at) => {
  if (mode === at + ':exits') process.exit(3);
  if (mode === at + ':dies') process.kill(process.pid, 'SIGKILL');
  if (mode === at + ':fails') process.send({ kind: 'failed', code: 'NO_LUCK', message: 'It has none' });
  return mode.startsWith(at + ':');
};
const parts = [];
process.on('message', ({ kind, part }) => {
  if (kind === 'part') parts.push(part);
  if (kind === 'hello' && !wrong('hello')) process.send({ kind: 'ready' });
  if (kind === 'restore' && mode === 'well') writeFileSync(file, JSON.stringify(parts));
  if (kind === 'restore' && !wrong('restore')) process.send({ kind: 'restored', tunnels: 0, failed: [] });
  if (kind === 'yours' && !wrong('yours')) process.send({ kind: 'serves' });
});
process.on('SIGTERM', () => writeFileSync(file, 'SIGTERM'));
process.on('disconnect', () => process.exit(0));
process.send({ kind: 'hello', state: ${STATE_VERSION}, version: '2' });
`;

const SIGNALS = ['SIGTERM', 'SIGINT', 'SIGHUP', 'SIGUSR2'] as const;
const heard = SIGNALS.map((signal) => [signal, process.rawListeners(signal)] as const);

let folder: string;
let fd: number;
let steps: string[];
let log: MemoryLog;
let why: string | undefined;
let toStop: boolean;
let inForce: GatewayConfig;
let released: () => Promise<readonly SentPart[]>;
beforeEach(() => {
  folder = mkdtempSync(join(tmpdir(), 'pptp-upgrade-'));
  writeFileSync(join(folder, 'program.mjs'), PROGRAM);
  fd = openSync('/dev/null', 'r+');
  steps = [];
  log = new MemoryLog();
  why = undefined;
  toStop = false;
  inForce = {} as GatewayConfig;
  released = async () => [{ name: 'ledger', state: { page: 7 } }];
});
afterEach(() => {
  for (const [signal, listeners] of heard) {
    process.removeAllListeners(signal);
    for (const one of listeners) process.on(signal, (...args) => void Reflect.apply(one, process, args));
  }
  closeSync(fd);
  rmSync(folder, { recursive: true, force: true });
});

const FROZEN = ['rest', 'freeze', 'release', 'take back', 'thaw'];

const told = (): string => join(folder, 'told');

/** A gateway that tells what is done with it; `frozen` runs when it stands still. */
const gatewayOf = (frozen: () => void): UpgradedGateway => {
  const step = (name: string) => (): void => void steps.push(name);
  return {
    sessions: () => 0,
    tunnels: () => [],
    directory: { list: () => [], disconnect: async () => false, disconnectAll: async () => 0 } as never,
    moving: {
      gone: false,
      obstacles: () => [],
      descriptors: () => ({ tun: { fd, about: 'off pptp0' }, gre: { fd, about: '1 1' } }),
      stragglers: () => ({ up: [], setups: 0 }),
      upCount: 0,
      freeze: () => {
        steps.push('freeze');
        frozen();
      },
      rest: async () => void steps.push('rest'),
      release: async () => {
        steps.push('release');
        return released();
      },
      takeBack: async () => void steps.push('take back'),
      thaw: step('thaw'),
      take: () => ({ tunnels: [], connections: [], callIds: undefined, networks: [], listener: undefined }),
      abandon: async () => void steps.push('abandon'),
    },
  };
};

/** For a process that answers at all. */
const PATIENCE_MS = 20_000;
const IMPATIENCE_MS = 500;

const upgradeTo = (
  mode: string,
  frozen: () => void = () => undefined,
  handOverMs = mode.endsWith(':hangs') ? IMPATIENCE_MS : PATIENCE_MS,
): Upgrade =>
  new Upgrade({
    origin: {
      script: join(folder, 'program.mjs'),
      args: [told(), mode],
      execArgv: [],
      env: { ...process.env },
      cwd: folder,
    },
    version: '1',
    log,
    mover: new GatewayMover(gatewayOf(frozen), log),
    handOverMs,
    config: () => inForce,
    notNow: () => why,
    isToStop: () => toStop,
    lifeLine: undefined,
    tellManager: () => true,
  });

test('another process serves, and this one leaves when who has asked has its answer', async () => {
  const upgrade = upgradeTo('well');
  const report = await upgrade.run({}, 'alice', Promise.resolve());
  expect(report.pid).toBeGreaterThan(1);
  expect(steps).toEqual(['rest', 'freeze', 'release', 'abandon']);
  expect(JSON.parse(readFileSync(told(), 'utf8'))).toEqual([{ name: 'ledger', state: { page: 7 } }]);
  expect(await upgrade.gone).toBe(0);
  expect(upgrade.isOver).toBe(true);
  await expect(upgrade.run({}, 'bob')).rejects.toMatchObject({ code: 'UPGRADE_REFUSED' });
  expect(await upgrade.afterwards()).toBe(0);
});

test.each([
  ['hello:exits', 'code 3', ['take back']],
  ['hello:fails', 'NO_LUCK', ['take back']],
  ['restore:exits', 'code 3', FROZEN],
  ['restore:dies', 'SIGKILL', FROZEN],
  ['restore:fails', 'NO_LUCK', FROZEN],
  ['restore:hangs', 'within 0.5 s', FROZEN],
  ['yours:exits', 'code 3', FROZEN],
  ['yours:fails', 'NO_LUCK', FROZEN],
  ['yours:hangs', 'within 0.5 s', FROZEN],
])(
  'a new process that goes wrong (%s) leaves the old one serving, which can be asked again',
  async (mode, says, done) => {
    const upgrade = upgradeTo(mode);
    const failure = expect.objectContaining({ code: 'UPGRADE_FAILED', message: expect.stringContaining(says) });
    await expect(upgrade.run({}, 'alice')).rejects.toEqual(failure);
    expect(steps).toEqual(done);
    expect(upgrade.isOver).toBe(false);
    await expect(upgrade.run({}, 'alice')).rejects.toEqual(failure);
  },
);

test.each([
  [
    'does not let go',
    () => new Promise<never>(() => undefined),
    'the plug-ins of this process did not let go within 0.5 s',
    IMPATIENCE_MS,
  ],
  [
    'cannot let go',
    () => Promise.reject(new GatewayError('UPGRADE_FAILED', 'ledger cannot let go: the disk is full.')),
    'the disk is full',
    PATIENCE_MS,
  ],
  [
    'hands over what is no plain data',
    () => Promise.resolve([{ name: 'ledger', state: () => undefined }]),
    'what ledger hands over is no plain data',
    PATIENCE_MS,
  ],
])('a plug-in that %s leaves this process serving', async (_what, release, says, handOverMs) => {
  released = release;
  const failure = expect.objectContaining({ code: 'UPGRADE_FAILED', message: expect.stringContaining(says) });
  await expect(upgradeTo('well', undefined, handOverMs).run({}, 'alice')).rejects.toEqual(failure);
  expect(steps).toEqual(FROZEN);
});

test('one upgrade at a time', async () => {
  const upgrade = upgradeTo('restore:exits');
  const first = upgrade.run({}, 'alice');
  await expect(upgrade.run({}, 'bob')).rejects.toThrow('under way already');
  await expect(first).rejects.toMatchObject({ code: 'UPGRADE_FAILED' });
});

test('a gateway that is drained meanwhile is not handed over', async () => {
  const upgrade = upgradeTo('well', () => {
    why = 'The gateway is draining.';
  });
  await expect(upgrade.run({}, 'alice')).rejects.toThrow('The gateway is draining.');
  expect(steps).toEqual(FROZEN);
});

test('a gateway that reads its configuration meanwhile is not handed over to one that may have the old one', async () => {
  const upgrade = upgradeTo('well', () => {
    inForce = { workers: 2 } as GatewayConfig;
  });
  await expect(upgrade.run({}, 'alice')).rejects.toThrow('The configuration was read again meanwhile');
  expect(steps).toEqual(FROZEN);
  expect((await upgrade.run({}, 'alice', Promise.resolve())).pid).toBeGreaterThan(1);
  await upgrade.afterwards();
});

test('who takes the gateway down waits until it is clear whose it is', async () => {
  let cancelled: Promise<void> | undefined;
  const upgrade = upgradeTo('restore:hangs', () => {
    cancelled = upgrade.cancel();
  });
  await expect(upgrade.run({}, 'alice')).rejects.toThrow('told to stop');
  await cancelled;
  expect(steps).toEqual(FROZEN);
  await upgrade.cancel();
});

test('who was told to stop at the last moment passes that on, and every signal after it', async () => {
  toStop = true;
  const upgrade = upgradeTo('well');
  await upgrade.run({}, 'alice', Promise.resolve());
  await expect.poll(() => readFileSync(told(), { encoding: 'utf8', flag: 'a+' })).toBe('SIGTERM');
  writeFileSync(told(), '');
  process.emit('SIGTERM');
  await expect.poll(() => readFileSync(told(), 'utf8')).toBe('SIGTERM');
  await upgrade.afterwards();
});
