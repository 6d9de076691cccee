import { mkdtempSync, rmSync, writeFileSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { afterAll, describe, expect, test } from 'vitest';
import type { LoadedConfig } from '../../../config/load.ts';
import { GatewayError } from '../../../core/errors.ts';
import type { DialOrder } from '../../../gateway/cli/dial.ts';
import { generatePassword } from '../../../gateway/cli/password.ts';
import type { NewUser } from '../../../gateway/cli/user-admin.ts';
import { runCli } from '../../../gateway/cli.ts';
import { memoryTerminal } from '../../support/memory-terminal.ts';

const folder = mkdtempSync(join(tmpdir(), 'pptp-cli-'));
afterAll(() => rmSync(folder, { recursive: true }));

interface Situation {
  readonly env?: Readonly<Record<string, string>>;
  /** What a person types at each prompt. */
  readonly typed?: readonly string[];
  /** What is on standard input when nobody is there. */
  readonly input?: string;
  readonly run?: (loaded: LoadedConfig) => Promise<number>;
  readonly dial?: (loaded: LoadedConfig, order: DialOrder) => Promise<number>;
}

/** The command line with everything around it in memory. */
const commandLine = (situation: Situation = {}) => {
  const out: string[] = [];
  const err: string[] = [];
  const prompts: string[] = [];
  const typed = [...(situation.typed ?? [])];
  const users = new Map<string, NewUser>();
  const files: string[] = [];
  const known = (name: string): NewUser => {
    const user = users.get(name);
    if (user === undefined) throw new GatewayError('USER_UNKNOWN', `there is no user ${name}.`);
    return user;
  };
  const run = (...argv: string[]) =>
    runCli(argv, {
      version: '9.8.7',
      env: { PPTP_ADMIN_SOCKET: 'off', ...situation.env },
      terminal: memoryTerminal({
        out: (line) => out.push(line),
        err: (line) => err.push(line),
        interactive: situation.typed !== undefined,
        ask: async (prompt) => {
          prompts.push(prompt);
          return typed.shift() ?? '';
        },
        readInput: async () => situation.input ?? '',
      }),
      runGateway: situation.run ?? (async () => 0),
      dial: situation.dial ?? (async () => 0),
      examine: async () => [],
      openUsers: (file) => {
        files.push(file);
        return {
          list: async () => [...users.values()],
          add: async (user) => {
            if (users.has(user.name)) throw new GatewayError('USER_EXISTS', `there is already a user ${user.name}.`);
            users.set(user.name, user);
          },
          setPassword: async (name, password, storePassword) =>
            void users.set(name, { ...known(name), password, ...(storePassword ? { storePassword } : {}) }),
          expire: async (name) => void users.set(name, { ...known(name), mustChange: true }),
          remove: async (name) => void users.delete(known(name).name),
        };
      },
    });
  return { run, out, err, prompts, users, files };
};

describe('run', () => {
  test('hands the configuration over and passes the exit code on', async () => {
    const seen: LoadedConfig[] = [];
    const { run } = commandLine({
      env: { PPTP_POOL: '192.168.9.0/24' },
      run: async (loaded) => {
        seen.push(loaded);
        return 3;
      },
    });
    expect(await run('run', '--port', '2000', '--set', 'ppp.mru=1300', '--set', 'mppe.policy=preferred')).toBe(3);
    expect(seen[0]?.config.listen.port).toBe(2000);
    expect(seen[0]?.config.ppp.mru).toBe(1300);
    expect(seen[0]?.config.pool.range.text).toBe('192.168.9.0/24');
    expect(seen[0]?.origins.get('listen.port')).toEqual({ kind: 'flag', name: '--port' });
    expect(seen[0]?.warnings).toHaveLength(1);
  });

  test('an operator error is one line and 1', async () => {
    const { run, err } = commandLine({
      run: async () => {
        throw new GatewayError('PORT_TAKEN', 'TCP port 1723 is taken; stop the other server or set PPTP_PORT.');
      },
    });
    expect(await run('run')).toBe(1);
    expect(err).toEqual(['pptp-gateway: PORT_TAKEN: TCP port 1723 is taken; stop the other server or set PPTP_PORT.']);
  });

  test('a bug keeps its stack', async () => {
    const { run, err } = commandLine({
      run: async () => {
        throw new TypeError('x is not a function');
      },
    });
    expect(await run('run')).toBe(1);
    expect(err[0]).toMatch(/^pptp-gateway: internal error: TypeError: x is not a function\n {4}at /);
  });

  test('a bad configuration is not run', async () => {
    const { run, err } = commandLine({ run: async () => expect.unreachable('it ran') });
    expect(await run('run', '--port', 'x')).toBe(1);
    expect(err[0]).toContain('listen.port (PPTP_PORT): must be a whole number from 1 to 65535; "x" from flag --port');
  });
});

describe('usage', () => {
  test.each([[['nonsense']], [['run', '--nonsense']], [['users', 'add']], [['users', 'add', 'a', 'b']], [[]]])(
    '%j is 2 and says why on standard error',
    async (argv) => {
      const { run, out, err } = commandLine();
      expect(await run(...argv)).toBe(2);
      expect(err.join('')).not.toBe('');
      expect(out).toEqual([]);
    },
  );

  test('--help is 0 and goes to standard output', async () => {
    const { run, out, err } = commandLine();
    expect(await run('--help')).toBe(0);
    expect(await run('users', 'add', '--help')).toBe(0);
    expect(out.join('\n')).toContain('users');
    expect(out.join(' ').replace(/\s+/g, ' ')).toContain('chap-md5 and EAP-MD5 need it');
    expect(err).toEqual([]);
  });

  test('version', async () => {
    const { run, out } = commandLine();
    expect(await run('version')).toBe(0);
    expect(out).toEqual([`pptp-gateway 9.8.7 (Node ${process.versions.node})`]);
  });
});

describe('config', () => {
  test('check prints all problems at once and is 1', async () => {
    const { run, out, err } = commandLine({ env: { PPTP_PORT: '0', PPTP_MRU: '9000', PPTP_POOOL: 'x' } });
    expect(await run('config', 'check')).toBe(1);
    expect(err.join('\n').split('\n')).toEqual([
      'pptp-gateway: CONFIG_INVALID: the configuration has 3 problems:',
      expect.stringContaining('listen.port (PPTP_PORT): must be'),
      expect.stringContaining('ppp.mru (PPTP_MRU): must be'),
      '  PPTP_POOOL: is not a setting of this gateway. Did you mean PPTP_POOL?',
    ]);
    expect(out).toEqual([]);
  });

  test('check prints warnings and is 0 when all is well', async () => {
    const { run, out } = commandLine({ env: { PPTP_MPPE: 'preferred' } });
    expect(await run('config', 'check')).toBe(0);
    expect(out).toEqual([
      'warning: mppe.policy (PPTP_MPPE): preferred lets user data pass unencrypted.',
      'the configuration is valid',
    ]);
  });

  test('show prints every value with its origin and no secret', async () => {
    const file = join(folder, 'gateway.yaml');
    writeFileSync(file, 'listen:\n  address: 192.0.2.1\ntelemetry:\n  hashKey: hunter2\n');
    const { run, out } = commandLine({ env: { PPTP_PORT: '2000' } });
    expect(await run('config', 'show', '--config', file, '--log-level', 'warn')).toBe(0);
    const line = (key: string) => out.find((one) => one.startsWith(`${key} `))?.replace(/ +/g, ' ');
    expect(line('listen.address')).toBe(`listen.address 192.0.2.1 (file ${file})`);
    expect(line('listen.port')).toBe('listen.port 2000 (env PPTP_PORT)');
    expect(line('log.level')).toBe('log.level warn (flag --log-level)');
    expect(line('pool.gatewayAddress')).toBe('pool.gatewayAddress auto (10.99.0.1) (default)');
    expect(line('telemetry.hashKey')).toBe(`telemetry.hashKey [secret] (file ${file})`);
    expect(out.join('')).not.toContain('hunter2');
  });
});

describe('users', () => {
  test('add asks twice, without an argument for the password', async () => {
    const { run, out, prompts, users, files } = commandLine({ typed: ['pass word', 'pass word'] });
    expect(await run('users', 'add', 'alice', '--state-dir', '/srv/vpn', '--address', '10.99.0.7')).toBe(0);
    expect(prompts).toEqual(['Password for alice: ', 'Once more: ']);
    expect(users.get('alice')).toEqual({ name: 'alice', password: 'pass word', address: 0x0a630007 });
    expect(files).toEqual(['/srv/vpn/users.json']);
    expect(out).toEqual(['user alice added to /srv/vpn/users.json']);
  });

  test('add changes nothing when the two differ or the password is empty', async () => {
    const differing = commandLine({ typed: ['a', 'b'] });
    expect(await differing.run('users', 'add', 'alice')).toBe(1);
    expect(differing.err).toEqual(['pptp-gateway: USER_INVALID: the two passwords differ; nothing was changed.']);
    const empty = commandLine({ typed: [''] });
    expect(await empty.run('users', 'add', 'alice')).toBe(1);
    expect(differing.users.size + empty.users.size).toBe(0);
  });

  test('add reads standard input when nobody is there, and a file when told', async () => {
    const piped = commandLine({ input: 'from pipe\n' });
    expect(await piped.run('users', 'add', 'alice')).toBe(0);
    expect(piped.users.get('alice')?.password).toBe('from pipe');
    const file = join(folder, 'password');
    writeFileSync(file, 'from file\n');
    expect(await piped.run('users', 'passwd', 'alice', '--password-file', file)).toBe(0);
    expect(piped.users.get('alice')?.password).toBe('from file');
    expect(piped.out.join('')).not.toMatch(/from (pipe|file)/);
  });

  test('two lines are not a password', async () => {
    const { run, err } = commandLine({ input: 'one\ntwo\n' });
    expect(await run('users', 'add', 'alice')).toBe(1);
    expect(err[0]).toContain('must be a single line');
    expect(await run('users', 'add', 'alice', '--password-file', join(folder, 'absent'))).toBe(1);
    expect(err[1]).toContain('the password file cannot be read');
  });

  test('--generate prints what it made', async () => {
    const { run, out, users } = commandLine();
    expect(await run('users', 'add', 'alice', '--generate')).toBe(0);
    expect(out[1]).toBe(`password of alice: ${users.get('alice')?.password}`);
  });

  test('--store-password and --must-change are asked for; expire takes the password back', async () => {
    const { run, out, users } = commandLine({ input: 'x' });
    expect(await run('users', 'add', 'alice', '--store-password', '--must-change')).toBe(0);
    expect(users.get('alice')).toEqual({ name: 'alice', password: 'x', storePassword: true, mustChange: true });
    expect(await run('users', 'add', 'bob')).toBe(0);
    expect(users.get('bob')).toEqual({ name: 'bob', password: 'x' });
    expect(await run('users', 'passwd', 'bob', '--store-password')).toBe(0);
    expect(await run('users', 'expire', 'bob')).toBe(0);
    expect(users.get('bob')).toEqual({ name: 'bob', password: 'x', storePassword: true, mustChange: true });
    expect(await run('users', 'expire', 'carol')).toBe(1);
    expect(await run('users', 'list')).toBe(0);
    expect(out.at(-1)).toContain('password expired');
  });

  test('list and remove', async () => {
    const { run, out, err } = commandLine({ input: 'x' });
    expect(await run('users', 'list')).toBe(0);
    await run('users', 'add', 'alice');
    await run('users', 'add', 'bo', '--address', '10.99.0.9');
    out.length = 0;
    expect(await run('users', 'list')).toBe(0);
    expect(out).toEqual(['alice  address from the pool', 'bo     10.99.0.9']);
    expect(await run('users', 'remove', 'alice')).toBe(0);
    expect(await run('users', 'remove', 'alice')).toBe(1);
    expect(err).toEqual(['pptp-gateway: USER_UNKNOWN: there is no user alice.']);
  });

  test.each([
    [
      'outside of the pool',
      '10.98.0.7',
      /^10\.98\.0\.7 is no client address of the pool 10\.99\.0\.0\/24: .*PPTP_POOL/,
    ],
    ['of the network', '10.99.0.0', /no client address/],
    ['for broadcasts', '10.99.0.255', /no client address/],
    [
      'of the gateway',
      '10.99.0.1',
      /^10\.99\.0\.1 is the gateway's own address \(PPTP_GATEWAY_ADDRESS\): choose another/,
    ],
  ])('a fixed address %s is refused before anything is asked', async (_what, address, message) => {
    const { run, err, users, prompts } = commandLine({ typed: ['x', 'x'], env: { PPTP_POOL: '10.99.0.0/24' } });
    expect(await run('users', 'add', 'alice', '--address', address)).toBe(1);
    expect(err).toEqual([expect.stringMatching(/^pptp-gateway: USER_INVALID: /)]);
    expect(err[0]?.replace('pptp-gateway: USER_INVALID: ', '')).toMatch(message);
    expect([users.size, prompts.length]).toEqual([0, 0]);
  });

  test('a fixed address of the pool that is configured is taken', async () => {
    const { run, users } = commandLine({ input: 'x', env: { PPTP_POOL: '192.168.9.0/24' } });
    expect(await run('users', 'add', 'alice', '--address', '192.168.9.77')).toBe(0);
    expect(users.get('alice')?.address).toBe(0xc0a8094d);
  });

  test('a fixed address must be one', async () => {
    const { run, err } = commandLine({ input: 'x' });
    expect(await run('users', 'add', 'alice', '--address', '10.99.0')).toBe(1);
    expect(err).toEqual(['pptp-gateway: USER_INVALID: 10.99.0 is not an IPv4 address.']);
  });
});

test('made passwords differ and are easy to read', () => {
  const made = new Set(Array.from({ length: 100 }, generatePassword));
  expect(made.size).toBe(100);
  for (const password of made) expect(password).toMatch(/^([a-km-np-zA-HJ-NP-Z2-9]{4}-){3}[a-km-np-zA-HJ-NP-Z2-9]{4}$/);
});

describe('dial', () => {
  const dialled = (situation: Situation = {}) => {
    const seen: { readonly loaded: LoadedConfig; readonly order: DialOrder }[] = [];
    const line = commandLine({
      input: 'secret\n',
      ...situation,
      dial: async (loaded, order) => {
        seen.push({ loaded, order });
        return 0;
      },
    });
    return { ...line, seen };
  };

  test('requires encryption of 128 bits and MS-CHAPv2, whatever a server of this host is configured for', async () => {
    const env = {
      PPTP_MPPE: 'permitted',
      PPTP_MPPE_STRENGTHS: '40',
      PPTP_AUTH_METHODS: 'pap',
      PPTP_TUN_NAME: 'served',
      PPTP_STATE_DIR: '/run/dial',
    };
    const { run, seen } = dialled({ env });
    expect(await run('dial', 'vpn.example.com', '--user', 'CORP\\alice')).toBe(0);
    expect(seen[0]?.order).toEqual({
      host: 'vpn.example.com',
      port: 1723,
      userName: 'CORP\\alice',
      password: 'secret',
      routes: [],
      policy: 'always',
      retryAuthentication: false,
      incoming: false,
      verbose: false,
    });
    expect(seen[0]?.loaded.config).toMatchObject({
      mppe: { policy: 'required', strengths: [128] },
      auth: { methods: ['ms-chap-v2'] },
      tun: { name: 'pptp-dial0', mtu: 1396 },
      stateDir: '/run/dial',
    });
  });

  test('takes everything it is told', async () => {
    const { run, seen } = dialled();
    const flags = [
      '--mppe',
      'preferred',
      '--strength',
      '128,56',
      '--auth',
      'ms-chap-v2,eap-ms-chap-v2',
      '--mtu',
      '1300',
    ];
    const routes = ['--route', '10.0.0.0/8', '--route', '192.0.2.7', '--route', 'default'];
    const rest = ['--tun', 'work', '--port', '1724', '--no-reconnect', '--retry-auth', '--incoming', '--verbose'];
    expect(await run('dial', '192.0.2.1', '--user', 'alice', ...flags, ...routes, ...rest)).toBe(0);
    expect(seen[0]?.order).toMatchObject({
      port: 1724,
      routes: [
        { network: 0x0a00_0000, prefixLength: 8 },
        { network: 0xc000_0207, prefixLength: 32 },
        { network: 0, prefixLength: 0 },
      ],
      policy: 'until-up',
      retryAuthentication: true,
      incoming: true,
      verbose: true,
    });
    expect(seen[0]?.loaded.config).toMatchObject({
      mppe: { policy: 'preferred', strengths: [128, 56] },
      auth: { methods: ['ms-chap-v2', 'eap'] },
      eap: { methods: ['ms-chap-v2'] },
      tun: { name: 'work', mtu: 1300 },
      ppp: { mru: 1304 },
      listen: { port: 1723 },
    });
  });

  test('reads the password to change to from a file, asking for none', async () => {
    const file = join(folder, 'new-password');
    writeFileSync(file, 'better\n');
    const { run, prompts, seen } = dialled({ typed: ['old'] });
    expect(await run('dial', '192.0.2.1', '--user', 'alice', '--new-password-file', file)).toBe(0);
    expect(prompts).toEqual(['Password for alice: ']);
    expect(seen[0]?.order).toMatchObject({ password: 'old', newPassword: 'better' });
    expect(await run('dial', '192.0.2.1', '--user', 'alice', '--new-password-file', join(folder, 'absent'))).toBe(1);
    expect(seen).toHaveLength(1);
  });

  test('makes one attempt with --once', async () => {
    const { run, seen } = dialled();
    await run('dial', '192.0.2.1', '--user', 'alice', '--once');
    expect(seen[0]?.order.policy).toBe('once');
  });

  test('asks a person for the password once, and reads a file that is named', async () => {
    const asked = dialled({ typed: ['typed'] });
    await asked.run('dial', '192.0.2.1', '--user', 'alice');
    expect(asked.prompts).toEqual(['Password for alice: ']);
    expect(asked.seen[0]?.order.password).toBe('typed');
    const file = join(folder, 'dial-password');
    writeFileSync(file, 'from a file\n');
    const read = dialled({ typed: [] });
    await read.run('dial', '192.0.2.1', '--user', 'alice', '--password-file', file);
    expect(read.seen[0]?.order.password).toBe('from a file');
    expect(read.seen[0]?.order).not.toHaveProperty('newPassword');
  });

  test.each([
    [['--route', '10.0.0.0/33'], 'CONFIG_INVALID: --route 10.0.0.0/33: write a network'],
    [['--route', '10.0.0.1/8'], 'CONFIG_INVALID: --route 10.0.0.1/8: the address has bits set'],
    [['--route', 'somewhere'], 'CONFIG_INVALID: --route somewhere: write a network'],
    [['--port', '0'], 'CONFIG_INVALID: --port 0: write a number from 1 to 65535'],
    [['--mtu', 'big'], '--mtu: must be a whole number from 500 to 1500 (octets), or `auto`; "big" is not.'],
    [['--strength', '64'], '--strength: must be a list of key lengths'],
    [['--auth', 'pap'], '--auth: must name a method that yields encryption keys, such as ms-chap-v2, when --mppe is'],
    [['--auth', 'eap-md5'], '--auth: must name a method that yields encryption keys, such as tls, when --mppe is'],
    [['--auth', 'ms-chap-v1', '--strength', '40,56'], '--strength: must include 128: of ms-chap-v1 only the keys of'],
    [
      ['--auth', 'pap,nonsense'],
      '--auth pap,nonsense: there is no method "nonsense"; write one or more of ms-chap-v2,',
    ],
    [['--auth', 'eap-peap'], '--auth eap-peap: there is no method "eap-peap"; write one or more of'],
    [['--auth', ''], '--auth : a name is missing; write one or more of'],
    [['--set', 'mppe.strengths=64'], 'mppe.strengths (PPTP_MPPE_STRENGTHS): must be a list'],
    [['--set', 'no.such=1'], 'no.such'],
  ])('%j is refused before anything is asked', async (flags, said) => {
    const { run, err, prompts, seen } = dialled({ typed: ['x'] });
    expect(await run('dial', '192.0.2.1', '--user', 'alice', ...flags)).toBe(1);
    expect(err.join('\n')).toContain(said);
    if (!flags.includes('--set')) expect(err.join('\n')).not.toMatch(/PPTP_|--set/);
    expect([prompts, seen]).toEqual([[], []]);
  });

  test.each([
    [['dial', '192.0.2.1']],
    [['dial', '--user', 'alice']],
    [['dial', '192.0.2.1', '--user', 'alice', '--mppe', 'sometimes']],
  ])('%j is wrong usage', async (argv) => {
    const { run, seen } = dialled();
    expect(await run(...argv)).toBe(2);
    expect(seen).toEqual([]);
  });
});
