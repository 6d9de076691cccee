import { mkdtempSync, rmSync, writeFileSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { afterAll, describe, expect, test } from 'vitest';
import { effectiveLines } from '../../../config/describe.ts';
import { type ConfigSources, loadConfig } from '../../../config/load.ts';
import { ConfigError } from '../../../config/problems.ts';
import { formatIpv4 } from '../../../core/bytes/ipv4-address.ts';

const folder = mkdtempSync(join(tmpdir(), 'pptp-config-'));
afterAll(() => rmSync(folder, { recursive: true }));

const file = (name: string, content: string): string => {
  const path = join(folder, name);
  writeFileSync(path, content);
  return path;
};
const load = (sources: Partial<ConfigSources> = {}) => loadConfig({ env: {}, ...sources });
const failure = (sources: Partial<ConfigSources>): ConfigError => {
  try {
    load(sources);
  } catch (error) {
    if (error instanceof ConfigError) return error;
    throw error;
  }
  throw new Error('the configuration was accepted');
};
const originOf = (sources: Partial<ConfigSources>, key: string) => load(sources).origins.get(key);

describe('who knows users', () => {
  test('the file that the environment names', () => {
    const { users } = load({ env: { PPTP_USERS_FILE: '/etc/vpn/users.json' } }).config;
    expect(users).toEqual({ source: 'file', file: '/etc/vpn/users.json' });
  });

  test('plug-ins alone, where that is said and there are any', () => {
    expect(load({ env: { PPTP_USERS_FROM: 'plugins', PPTP_PLUGINS: 'radius' } }).config.users.source).toBe('plugins');
    const [problem] = failure({ env: { PPTP_USERS_FROM: 'plugins' } }).problems;
    expect(problem?.message).toContain('plugins names none');
  });
});

describe('defaults', () => {
  test('nothing given is a complete configuration without warnings', () => {
    const { config, warnings } = load();
    expect(config.listen).toEqual({
      address: '0.0.0.0',
      port: 1723,
      maxConnections: 2000,
      maxConnectionsPerAddress: 64,
    });
    expect(formatIpv4(config.pool.gatewayAddress)).toBe('10.99.0.1');
    expect(config.calls.max).toBe(253);
    expect(config.tun.mtu).toBe(1396);
    expect(config.users.file).toBe('/var/lib/pptp-gateway/users.json');
    expect(config.network.intranetInterface).toBeUndefined();
    expect(config.mppe).toEqual({ policy: 'required', strengths: [128], stateful: 'off', mppc: 'off', kernel: 'auto' });
    expect(warnings).toEqual([]);
  });

  test('the configuration is frozen to its leaves', () => {
    const { config } = load();
    expect(Object.isFrozen(config.pool.range)).toBe(true);
    expect(Object.isFrozen(config.mppe.strengths)).toBe(true);
  });
});

describe('precedence', () => {
  const yaml = file('layers.yaml', 'listen:\n  port: 1001\n  address: 192.0.2.1\nhostName: from-file\n');

  test('a file beats the default, the environment the file, a flag the environment', () => {
    const env = { PPTP_CONFIG: yaml, PPTP_PORT: '1002', PPTP_LISTEN: '192.0.2.2' };
    const sources = { env, set: ['listen.port=1003'] };
    const { config, origins } = load(sources);
    expect(config.hostName).toBe('from-file');
    expect(config.listen).toMatchObject({ address: '192.0.2.2', port: 1003 });
    expect(origins.get('hostName')).toEqual({ kind: 'file', name: yaml });
    expect(origins.get('listen.address')).toEqual({ kind: 'env', name: 'PPTP_LISTEN' });
    expect(origins.get('listen.port')).toEqual({ kind: 'flag', name: '--set' });
    expect(origins.get('vendor')).toEqual({ kind: 'default' });
  });

  test('--config beats PPTP_CONFIG', () => {
    const json = file('other.json', '{\n\t"listen": { "port": 1004 }\n}\n');
    expect(originOf({ env: { PPTP_CONFIG: yaml }, file: json }, 'listen.port')).toEqual({ kind: 'file', name: json });
    expect(load({ env: { PPTP_CONFIG: yaml }, file: json }).config.hostName).toBe('pptp-gateway');
  });

  test('a flag of its own carries its name', () => {
    expect(originOf({ named: { 'listen.port': '1005' } }, 'listen.port')).toEqual({ kind: 'flag', name: '--port' });
  });

  test('an empty file changes nothing', () => {
    expect(load({ file: file('empty.yaml', '# nothing\n') }).config).toEqual(load().config);
  });

  test('lists are comma-separated in the environment and sequences in the file', () => {
    const dns = load({ env: { PPTP_DNS: '192.0.2.53, 192.0.2.54' } }).config.pool.dns;
    expect(dns.map(formatIpv4)).toEqual(['192.0.2.53', '192.0.2.54']);
    const strengths = file('list.yaml', 'mppe:\n  strengths: [128, 40]\n');
    expect(load({ file: strengths }).config.mppe.strengths).toEqual([128, 40]);
  });
});

describe('errors', () => {
  test('all of them are told at once, with key, environment name and what is expected', () => {
    const error = failure({
      file: file('bad.yaml', 'listen:\n  prot: 1\nppp:\n  mru: 9000\ncalls: 5\n'),
      env: { PPTP_POOL: '10.0.0.5/24', PPTP_PROT: '1' },
      set: ['mppe.policy=always', 'nonsense'],
    });
    expect(error.code).toBe('CONFIG_INVALID');
    expect(error.problems.map(({ key, env }) => key ?? env)).toEqual([
      'listen.prot',
      'ppp.mru',
      'calls',
      'pool.range',
      'PPTP_PROT',
      'mppe.policy',
      'nonsense',
    ]);
    expect(error.message).toContain('7 problems');
    expect(error.message).toContain(
      'ppp.mru (PPTP_MRU): must be a whole number from 576 to 1500 (octets), or `auto`; 9000 from',
    );
    expect(error.message).toContain('listen.prot: is not a key of this gateway. Did you mean listen.port?');
    expect(error.message).toContain('PPTP_PROT: is not a setting of this gateway. Did you mean PPTP_PORT?');
    expect(error.message).toContain('with its host bits zero; "10.0.0.5/24" from env PPTP_POOL is not.');
  });

  test('a file that cannot be read or parsed is CONFIG_FILE', () => {
    expect(failure({ file: join(folder, 'absent.yaml') }).code).toBe('CONFIG_FILE');
    const broken = failure({ file: file('broken.yaml', 'telemetry: {hashKey: hunter2\n') });
    expect(broken.code).toBe('CONFIG_FILE');
    expect(broken.message).not.toContain('hunter2');
    expect(failure({ file: file('list-only.yaml', '- a\n') }).message).toContain('must hold keys and values');
  });

  test.each([
    ['PPTP_PORT', '12abc'],
    ['PPTP_PORT', '0'],
    ['PPTP_PORT', ''],
    ['PPTP_PORT', '0x10'],
    ['PPTP_LISTEN', 'localhost'],
    ['PPTP_LISTEN', '1.2.3.256'],
    ['PPTP_GRE_CHECK_PEER_ADDRESS', 'maybe'],
    ['PPTP_MPPE_STRENGTHS', '64'],
    ['PPTP_MPPE_STRENGTHS', '128,128'],
    ['PPTP_POOL', '10.99.0.0/31'],
    ['PPTP_TUN_NAME', 'a%d%d'],
    ['PPTP_TUN_NAME', 'much-too-long-name'],
    ['PPTP_DNS', '192.0.2.1,192.0.2.2,192.0.2.3'],
    ['PPTP_AUTH_METHODS', ''],
    ['PPTP_STATE_DIR', 'relative/path'],
    ['PPTP_LOG_LEVEL', 'INFO'],
  ])('%s=%s is refused', (name, value) => {
    const [problem, ...rest] = failure({ env: { [name]: value } }).problems;
    expect(problem?.env).toBe(name);
    expect(rest).toEqual([]);
  });
});

describe('keys against each other', () => {
  test('the address of the gateway must be a host of the pool', () => {
    const message = failure({ env: { PPTP_GATEWAY_ADDRESS: '10.99.1.1' } }).message;
    expect(message).toContain('pool.gatewayAddress (PPTP_GATEWAY_ADDRESS): must be a host address of pool.range');
    expect(failure({ env: { PPTP_GATEWAY_ADDRESS: '10.99.0.255' } }).problems).toHaveLength(1);
    expect(load({ env: { PPTP_GATEWAY_ADDRESS: '10.99.0.254' } }).warnings).toEqual([]);
  });

  test('a refused key does not make others look wrong', () => {
    const { problems } = failure({ env: { PPTP_POOL: 'x', PPTP_GATEWAY_ADDRESS: '192.168.7.1' } });
    expect(problems.map((problem) => problem.key)).toEqual(['pool.range']);
  });

  test('encryption needs a key length', () => {
    expect(failure({ env: { PPTP_MPPE_STRENGTHS: '' } }).problems[0]?.key).toBe('mppe.strengths');
    expect(load({ env: { PPTP_MPPE_STRENGTHS: '', PPTP_MPPE: 'disabled' } }).config.tun.mtu).toBe(1400);
  });

  test('weak methods are named; methods without keys do not go with required encryption', () => {
    const weak = load({ env: { PPTP_AUTH_METHODS: 'ms-chap-v2,ms-chap-v1,chap-md5,pap' } }).warnings;
    expect(weak.map((line) => line.split(': ')[1]?.split(' ')[0])).toEqual(['ms-chap-v1', 'chap-md5', 'pap']);
    const { problems } = failure({ env: { PPTP_AUTH_METHODS: 'pap,chap-md5' } });
    expect(problems).toMatchObject([{ key: 'auth.methods', env: 'PPTP_AUTH_METHODS' }]);
    expect(load({ env: { PPTP_AUTH_METHODS: 'pap', PPTP_MPPE: 'preferred' } }).config.auth.methods).toEqual(['pap']);
    expect(load({ env: { PPTP_AUTH_METHODS: 'someones-method' } }).warnings).toEqual([]);
  });

  test('EAP-TLS needs its files; methods without keys do not go with required encryption', () => {
    const eap = { PPTP_AUTH_METHODS: 'eap' };
    const files = { PPTP_EAP_TLS_CERT: '/c.pem', PPTP_EAP_TLS_KEY: '/k.pem', PPTP_EAP_TLS_CA: '/a.pem' };
    const { problems } = failure({ env: { ...eap, PPTP_EAP_METHODS: 'tls' } });
    expect(problems.map(({ env }) => env)).toEqual(Object.keys(files));
    const both = { ...eap, ...files, PPTP_EAP_METHODS: 'tls,ms-chap-v2' };
    expect(load({ env: both }).config.eap).toMatchObject({ methods: ['tls', 'ms-chap-v2'], tlsCert: '/c.pem' });
    const versions = { ...both, PPTP_EAP_TLS_MIN_VERSION: '1.3', PPTP_EAP_TLS_MAX_VERSION: '1.2' };
    expect(failure({ env: versions }).problems).toMatchObject([{ key: 'eap.tlsMinVersion' }]);
    expect(failure({ env: { ...eap, PPTP_EAP_METHODS: 'md5' } }).problems).toMatchObject([{ key: 'eap.methods' }]);
    const weak = load({ env: { ...eap, PPTP_EAP_METHODS: 'md5', PPTP_MPPE: 'permitted' } }).warnings;
    expect(weak.some((line) => line.includes('md5 can be guessed offline'))).toBe(true);
    expect(load({ env: { PPTP_EAP_METHODS: 'tls' } }).warnings[0]).toContain('auth.methods does not name eap');
  });

  test('MS-CHAPv1 has keys of 128 bits only', () => {
    const env = { PPTP_AUTH_METHODS: 'ms-chap-v1,pap', PPTP_MPPE_STRENGTHS: '40' };
    expect(failure({ env }).problems).toMatchObject([{ key: 'mppe.strengths' }]);
    expect(load({ env: { ...env, PPTP_AUTH_METHODS: 'ms-chap-v2,ms-chap-v1' } }).config.mppe.strengths).toEqual([40]);
  });

  test('more connections from one address than in all is refused when it was chosen', () => {
    const both = { PPTP_MAX_CONNECTIONS: '10', PPTP_MAX_CONNECTIONS_PER_ADDRESS: '11' };
    expect(failure({ env: both }).problems[0]?.key).toBe('listen.maxConnectionsPerAddress');
    expect(load({ env: { PPTP_MAX_CONNECTIONS: '10' } }).config.listen.maxConnections).toBe(10);
  });

  test.each([
    [{ PPTP_MPPE: 'permitted' }, 'mppe.policy (PPTP_MPPE)'],
    [{ PPTP_MPPE_STRENGTHS: '128,40' }, 'mppe.strengths (PPTP_MPPE_STRENGTHS): 40 bit'],
    [{ PPTP_MAX_CALLS: '300' }, 'calls.max (PPTP_MAX_CALLS)'],
    [{ PPTP_TUN_MTU: '1400' }, 'tun.mtu (PPTP_TUN_MTU)'],
    [{ PPTP_NETWORK_MANAGE: 'false', PPTP_NAT: 'on' }, 'network.nat (PPTP_NAT)'],
    [{ PPTP_NAT: 'off', PPTP_NAT_INTERFACES: 'eth0' }, 'network.natInterfaces (PPTP_NAT_INTERFACES)'],
  ])('%o is allowed with a warning', (env, start) => {
    const { warnings } = load({ env });
    expect(warnings).toHaveLength(1);
    expect(warnings[0]).toContain(start);
  });
});

describe('secrets', () => {
  const secret = file('key', 's3cret\n');

  test('are read from the file that the _FILE name gives, without its last line break', () => {
    const { config, origins } = load({ env: { PPTP_TELEMETRY_HASH_KEY_FILE: secret } });
    expect(config.telemetry.hashKey).toBe('s3cret');
    expect(origins.get('telemetry.hashKey')).toEqual({ kind: 'env', name: 'PPTP_TELEMETRY_HASH_KEY_FILE' });
  });

  test('cannot be given twice, and an unreadable file is named', () => {
    const twice = { PPTP_TELEMETRY_HASH_KEY: 'a', PPTP_TELEMETRY_HASH_KEY_FILE: secret };
    expect(failure({ env: twice }).message).toContain('are both set');
    const absent = { PPTP_TELEMETRY_HASH_KEY_FILE: join(folder, 'none') };
    expect(failure({ env: absent }).problems[0]?.env).toBe('PPTP_TELEMETRY_HASH_KEY_FILE');
  });

  test('never show: not when refused, not in the list of values', () => {
    expect(failure({ env: { PPTP_TELEMETRY_HASH_KEY: 'hunter2\nhunter3' } }).message).not.toContain('hunter');
    const lines = effectiveLines(load({ env: { PPTP_TELEMETRY_HASH_KEY: 'hunter2' } }));
    expect(JSON.stringify(lines)).not.toContain('hunter2');
    expect(lines).toContainEqual({
      key: 'telemetry.hashKey',
      value: '[secret]',
      origin: 'env PPTP_TELEMETRY_HASH_KEY',
    });
  });

  test('only secrets have a _FILE name', () => {
    expect(failure({ env: { PPTP_POOL_FILE: secret } }).message).toContain('PPTP_POOL takes the value itself');
  });
});

describe('options of plug-ins', () => {
  test('are an object in the file and JSON in the environment, and are not shown', () => {
    const yaml = file('plugins.yaml', 'plugins: [./no-telnet.mjs]\npluginOptions:\n  no-telnet: { ports: [23] }\n');
    expect(load({ file: yaml }).config.pluginOptions).toEqual({ 'no-telnet': { ports: [23] } });
    const env = { PPTP_PLUGINS: 'radius', PPTP_PLUGIN_OPTIONS: '{"radius":{"secret":"hunter2"}}' };
    expect(load({ env }).config.pluginOptions).toEqual({ radius: { secret: 'hunter2' } });
    expect(JSON.stringify(effectiveLines(load({ env })))).not.toContain('hunter2');
  });

  test.each(['[]', '"text"', '{', 'null'])('refuses %s', (text) => {
    expect(failure({ env: { PPTP_PLUGIN_OPTIONS: text } }).problems[0]?.key).toBe('pluginOptions');
  });
});

describe('names in the environment that are not ours', () => {
  test('the links of a Kubernetes service called pptp are ignored with a warning', () => {
    const { config, warnings } = load({
      env: {
        PPTP_PORT: 'tcp://10.0.0.1:1723',
        PPTP_SERVICE_HOST: '10.0.0.1',
        PPTP_SERVICE_PORT: '1723',
        PPTP_PORT_1723_TCP_ADDR: '10.0.0.1',
        PPTP_GATEWAY_PORT: 'tcp://10.0.0.1:1723',
      },
    });
    expect(config.listen.port).toBe(1723);
    expect(warnings).toHaveLength(5);
  });

  test('those of tests and of the lab are no errors', () => {
    expect(load({ env: { PPTP_REQUIRE_LAB: '1', PPTP_LAB_DIR: '/x', HOME: '/root' } }).warnings).toEqual([]);
  });
});

describe('effective values', () => {
  test('say what auto became and where each value is from', () => {
    const lines = effectiveLines(load({ env: { PPTP_POOL: '192.168.80.0/28' } }));
    const line = (key: string) => lines.find((one) => one.key === key);
    expect(line('pool.range')).toEqual({ key: 'pool.range', value: '192.168.80.0/28', origin: 'env PPTP_POOL' });
    expect(line('pool.gatewayAddress')?.value).toBe('auto (192.168.80.1)');
    expect(line('calls.max')).toEqual({ key: 'calls.max', value: 'auto (13)', origin: 'default' });
    expect(line('pool.dns')?.value).toBe('(none)');
  });
});

describe('the outer path', () => {
  const mtu = (outer: number | undefined, env: Record<string, string>) =>
    load({ env, outerMtu: (listen) => (listen === '192.0.2.1' ? outer : undefined) });
  const env = { PPTP_LISTEN: '192.0.2.1' };

  test.each([
    [1500, 1460, 1456],
    [1400, 1360, 1356],
    // A jumbo path gains nothing: no inner network has more than 1500.
    [9000, 1460, 1456],
    [undefined, 1460, 1456],
  ])('MTU %s outside is an MRU of %s and %s octets inside', (outer, mru, inner) => {
    const { config, warnings } = mtu(outer, { ...env, PPTP_MRU: 'auto' });
    expect([config.ppp.mru, config.tun.mtu]).toEqual([mru, inner]);
    expect(warnings).toEqual([]);
  });

  test('an MRU that does not fit is warned about, with the sum', () => {
    expect(mtu(1400, env).warnings).toEqual([
      'ppp.mru (PPTP_MRU): 1400 octets and 20 (IP), 16 (GRE) and 4 (PPP) around them are 1440, but the outer interface ' +
        'carries 1400: such packets are dropped. 1360 or less fits.',
    ]);
    expect(mtu(1440, env).warnings).toEqual([]);
  });
});

describe('IPv6', () => {
  test('is off unless there is a pool', () => {
    expect(load().config.pool).toMatchObject({ ipv6: undefined, ipv6Dns: [] });
    expect(load({ env: { PPTP_IPV6_POOL: 'off' } }).config.pool.ipv6).toBeUndefined();
  });

  test('a pool is a network of /32 to /63', () => {
    const { config } = load({ env: { PPTP_IPV6_POOL: 'fd00:99::/48', PPTP_IPV6_DNS: 'fd00:99::53' } });
    expect(config.pool.ipv6).toMatchObject({ prefixLength: 48, text: 'fd00:99::/48' });
    expect(config.pool.ipv6Dns).toHaveLength(1);
    for (const wrong of ['fd00:99::/64', 'fd00:99::1/48', 'fd00::/31', 'fd00:99::', '10.0.0.0/8', 'fd00:99:::/48']) {
      expect(failure({ env: { PPTP_IPV6_POOL: wrong } }).message).toContain('pool.ipv6 (PPTP_IPV6_POOL)');
    }
  });

  test('needs room for 1280 octets', () => {
    const env = { PPTP_IPV6_POOL: 'fd00:99::/48', PPTP_MRU: '1283' };
    expect(failure({ env }).message).toContain('needs a ppp.mru of 1284 or more');
    expect(load({ env: { ...env, PPTP_MRU: '1284' } }).config.tun.mtu).toBe(1280);
    expect(failure({ env: { PPTP_IPV6_POOL: 'fd00:99::/48', PPTP_TUN_MTU: '1000' } }).message).toContain('tun.mtu');
  });

  test('DNS servers without a pool have no effect', () => {
    expect(load({ env: { PPTP_IPV6_DNS: 'fd00::53' } }).warnings).toEqual([
      'pool.ipv6Dns (PPTP_IPV6_DNS): has no effect because pool.ipv6 is off.',
    ]);
  });
});

describe('the tunnel to another site', () => {
  const site = { PPTP_DIAL_SERVER: 'gw.example', PPTP_DIAL_USER: 'here', PPTP_DIAL_PASSWORD: 'x y' };

  test('none is dialled unless a server is named', () => {
    expect(load().config.dial).toEqual({ server: undefined, user: '', password: '', routes: [], tun: 'pptp-site0' });
    expect(load({ env: { PPTP_DIAL_ROUTES: '10.2.0.0/16' } }).warnings).toEqual([
      'dial.routes (PPTP_DIAL_ROUTES): has no effect because dial.server is none.',
    ]);
  });

  test('everything it is told', () => {
    const { config } = load({
      env: { ...site, PPTP_DIAL_ROUTES: '10.2.0.0/16,10.3.0.0/24', PPTP_DIAL_TUN: 'wan7' },
    });
    expect(config.dial).toMatchObject({ server: 'gw.example', user: 'here', password: 'x y', tun: 'wan7' });
    expect(config.dial.routes.map(({ text }) => text)).toEqual(['10.2.0.0/16', '10.3.0.0/24']);
  });

  test('a route that the pool lies in, or next to it', () => {
    const env = { ...site, PPTP_POOL: '10.99.0.0/24', PPTP_DIAL_ROUTES: '10.0.0.0/8,10.99.1.0/24,10.98.255.0/24' };
    expect(load({ env }).config.dial.routes).toHaveLength(3);
  });

  test.each([
    ['no user', { PPTP_DIAL_USER: '' }, 'dial.user'],
    ['no password', { PPTP_DIAL_PASSWORD: '' }, 'dial.password'],
    ['the device of the gateway', { PPTP_DIAL_TUN: 'pptp0', PPTP_TUN_NAME: 'pptp0' }, 'dial.tun'],
    ['everything into the tunnel', { PPTP_DIAL_ROUTES: '0.0.0.0/0' }, 'dial.routes'],
    ['the own pool', { PPTP_DIAL_ROUTES: '10.1.0.0/16,10.99.0.0/24', PPTP_POOL: '10.99.0.0/24' }, 'dial.routes'],
    ['a part of it', { PPTP_DIAL_ROUTES: '10.99.0.128/25', PPTP_POOL: '10.99.0.0/24' }, 'dial.routes'],
    ['no name', { PPTP_DIAL_SERVER: 'gw example' }, 'dial.server'],
  ])('%s is refused', (_, change, key) => {
    expect(failure({ env: { ...site, ...change } }).problems).toMatchObject([{ key }]);
  });
});
