import { cpSync, mkdirSync, mkdtempSync, readFileSync, rmSync, writeFileSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { dirname, join } from 'node:path';
import { afterAll, afterEach, beforeAll, describe, expect, test } from 'vitest';
import { copyProduction } from '../../setup/lib/production.mjs';
import { MAIN, notBuilt } from '../support/built.ts';
import { type Instruction, parseDockerfile } from '../support/dockerfile.ts';
import { inRoot, Machine, machineRoot, machineUnavailable, until } from '../support/machine.ts';
import { connect, Netns } from '../support/netns.ts';
import { Program } from '../support/program.ts';

const reason = machineUnavailable() ?? notBuilt();

const SERVER = '203.0.113.1';
const steps = parseDockerfile(readFileSync('deploy/container/Dockerfile', 'utf8'));
const final = steps.slice(steps.findLastIndex(({ name }) => name === 'FROM') + 1);
const last = (name: string): string => final.findLast((step) => step.name === name)?.text ?? '';

/**
 * Carries out the last stage of the Dockerfile above a root that has the packages of its apt-get line already: what RUN does
 * is run, what COPY copies is copied. There is no Docker where these tests run.
 */
const buildImage = async (folder: string, root: string): Promise<void> => {
  const upper = join(folder, 'upper');
  mkdirSync(upper, { recursive: true });
  const carryOut: Readonly<Record<string, (step: Instruction) => void | Promise<void>>> = {
    RUN: ({ text }) => {
      if (!text.startsWith('apt-get update')) inRoot(folder, root, 'sh', '-c', text);
    },
    COPY: async ({ text }) => {
      const words = text.split(' ').filter((word) => !word.startsWith('--chmod'));
      const [from = '', ...rest] = words;
      const target = join(upper, rest.at(-1) ?? '');
      mkdirSync(dirname(target), { recursive: true });
      if (from === '--from=build') await copyProduction(target);
      else cpSync(from, target);
    },
  };
  for (const step of final) await carryOut[step.name]?.(step);
};

/** As Docker starts it: the user of the image, bounded to what --cap-add gave, with nothing of it in hand. */
const started = (rights: readonly string[], further: readonly string[] = [], env: readonly string[] = []) => [
  ...['setpriv', '--bounding-set', ['-all', ...rights.map((right) => `+${right}`)].join(','), '--inh-caps', '-all'],
  ...['--reuid', last('USER').split(':')[0] ?? '', '--regid', last('USER').split(':')[1] ?? '', '--clear-groups'],
  ...[...further, 'env', ...last('ENV').split(' '), ...env],
  ...[...(JSON.parse(last('ENTRYPOINT')) as readonly string[]), ...(JSON.parse(last('CMD')) as readonly string[])],
];
const BOTH = ['net_admin', 'net_raw'];

describe.skipIf(reason !== undefined)(`the image${reason ? ` (skipped: ${reason})` : ''}`, () => {
  let folder: string;
  let image: string;
  let root: string;
  let server: Netns;
  let client: Netns;
  const machines: Machine[] = [];

  beforeAll(async () => {
    root = await machineRoot();
    folder = mkdtempSync(join(tmpdir(), 'pptp-image-'));
    image = Machine.newFolder();
    await buildImage(image, root);
    server = new Netns('is');
    client = new Netns('ic');
    connect(
      { ns: server, device: 'wan0', addresses: [`${SERVER}/24`] },
      { ns: client, device: 'up0', addresses: ['203.0.113.2/24'] },
    );
    server.ip('route', 'add', 'default', 'via', '203.0.113.2');
  }, 300_000);
  afterEach(async () => {
    for (const machine of machines.splice(0)) await machine.end();
  });
  afterAll(() => {
    for (const ns of [server, client]) ns?.destroy();
    for (const path of [folder, image]) if (path !== undefined) rmSync(path, { recursive: true, force: true });
  });

  /** One after the other: each takes the folder of the image itself. */
  const start = (command: readonly string[]): Machine => {
    const machine = new Machine(image, { netns: server, root, command, onlyWritable: ['/var/lib/pptp-gateway'] });
    machines.push(machine);
    return machine;
  };

  test('has no program that raises rights, but for its own helper', () => {
    const found = inRoot(image, root, 'sh', '-c', 'find / -xdev -type f -perm /6000; getcap -r / 2>/dev/null');
    expect(found.trim()).toBe('/usr/local/libexec/pptp-gateway/with-network-rights cap_net_admin,cap_net_raw=ep');
  });

  test('runs as an ordinary user on a root that cannot be written, by its environment alone, and takes a call', async () => {
    const env = ['PPTP_PROFILE=road-warrior', 'PPTP_POOL=10.77.5.0/24', 'PPTP_DRAIN_TIMEOUT=1'];
    const machine = start(started(BOTH, [], env));
    await machine.awaits(/./, 'pptp-gateway', 'healthcheck');
    const told = (): string => /user "vpn", password (\S+)/.exec(machine.output)?.[1] ?? '';
    await until(
      () => told() !== '',
      () => `it told no password: ${machine.output}`,
    );
    const status = await machine.do('cat', '/proc/1/status');
    expect(status).toMatch(new RegExp(`^Uid:\\s*${last('USER').split(':')[0]}\\b`, 'm'));
    expect(status).toMatch(/^CapEff:\s*0000000000003000$/m);
    expect((await machine.run(['touch', '/app/x'])).output).toContain('Read-only file system');
    const file = join(folder, 'password');
    writeFileSync(file, `${told()}\n`);
    const command = [process.execPath, MAIN, 'dial', SERVER, '--user', 'vpn', '--password-file', file, '--once'];
    const program = new Program(client, command, { PPTP_STATE_DIR: join(folder, 'client'), PPTP_LOG_FORMAT: 'json' });
    await program.says(/^connected/);
    expect(client.attempt('ping', '-c', '1', '-W', '20', '10.77.5.1')).toMatchObject({ ok: true });
    expect(await program.end('SIGTERM')).toBe(0);
    // As `docker stop` does.
    expect(await machine.end('SIGTERM')).toBe(0);
    expect(server.run('nft', 'list', 'tables').trim()).toBe('');
    expect(server.run('sysctl', '-n', 'net.ipv4.ip_forward').trim()).toBe('0');
  });

  test.each([
    ['without its capabilities', started(['net_raw']), '--cap-add NET_ADMIN'],
    ['with no-new-privileges', started(BOTH, ['--no-new-privs']), 'no-new-privileges'],
  ])('says what to do when it is started %s', async (_, command, advice) => {
    const machine = start(command);
    expect(await machine.ended()).toBe(1);
    expect(machine.output).toContain(`pptp-gateway: NOT_ROOT: `);
    expect(machine.output.split('\n')[0]).toContain(advice);
  });
});
