import fc from 'fast-check';
import { describe, expect, it } from 'vitest';
import { parseIpv6Network } from '../../../../core/bytes/ipv6-address.ts';
import { gatewayIpv6 } from '../../../../gateway/session/prefix-pool.ts';
import { planClient } from '../../../../plugins/host-network-linux/client-plan.ts';
import type { HostNetworkConfig } from '../../../../plugins/host-network-linux/host-network-config.ts';
import {
  gatewayTables,
  rememberedSysctls,
  removeTable,
  renderIpv6Table,
  renderTable,
  tableName,
} from '../../../../plugins/host-network-linux/nft-table.ts';
import { type HostFacts, planUp, type Step } from '../../../../plugins/host-network-linux/plan.ts';
import { parseState } from '../../../../plugins/host-network-linux/state-file.ts';
import { interfaceNames, isSysctlPath, type SysctlPath } from '../../../../plugins/host-network-linux/sysctl.ts';
import { address } from '../../../support/batches.ts';

const config: HostNetworkConfig = {
  interfaceName: 'pptp0',
  gatewayAddress: address('10.99.0.1'),
  pool: { network: address('10.99.0.0'), prefixLength: 24 },
  routes: [{ network: address('192.168.7.0'), prefixLength: 24 }],
  mtu: 1396,
  queueLength: 1000,
  nat: { mode: 'off' },
  proxyArp: [],
};
const networks = [config.pool, ...config.routes];

describe('nft table', () => {
  it('replaces itself in one transaction, with the ICMP rule and no NAT', () => {
    expect(renderTable(config, networks, [])).toBe(
      [
        'add table ip pptp_gateway_pptp0',
        'delete table ip pptp_gateway_pptp0',
        'table ip pptp_gateway_pptp0 {',
        '  chain remembered {',
        '  }',
        '  chain output {',
        '    type filter hook output priority filter; policy accept;',
        '    icmp type destination-unreachable icmp code 2 @th,136,8 47 counter drop',
        '  }',
        '}',
        '',
      ].join('\n'),
    );
  });

  it.each([
    [{ mode: 'all' } as const, 'ip saddr { 10.99.0.0/24, 192.168.7.0/24 } oifname != "pptp0" counter masquerade'],
    [
      { mode: 'on', interfaces: ['eth1', 'wlan0'] } as const,
      'ip saddr { 10.99.0.0/24, 192.168.7.0/24 } oifname { "eth1", "wlan0" } counter masquerade',
    ],
  ])('masquerades with %o', (nat, rule) => {
    expect(renderTable({ ...config, nat }, networks, [])).toContain(rule);
  });

  it('behind NAT, lets only the intranet and clients open connections to clients', () => {
    const nat = { mode: 'on', interfaces: ['eth1'] } as const;
    expect(renderTable({ ...config, nat }, networks, [])).toContain(
      'oifname "pptp0" iifname != { "pptp0", "eth1" } ct state new counter drop',
    );
    expect(renderTable({ ...config, nat: { mode: 'all' } }, networks, [])).not.toContain('hook forward');
  });

  it('neither masquerades nor refuses what passes between the devices of one gateway', () => {
    const worker = { ...config, interfaceName: 'pptp1', siblings: ['pptp0', 'pptp1', 'pptp2'] };
    const nat = { mode: 'on', interfaces: ['eth1'] } as const;
    expect(renderTable({ ...worker, nat }, networks, [])).toContain(
      'oifname "pptp1" iifname != { "pptp1", "pptp0", "pptp2", "eth1" } ct state new counter drop',
    );
    expect(renderTable({ ...worker, nat: { mode: 'all' } }, networks, [])).toContain(
      'oifname != { "pptp1", "pptp0", "pptp2" } counter masquerade',
    );
  });

  it('has a name of its own per device, of letters nft takes', () => {
    const names = ['pptp0', 'pptp1', 'tun.5', 'a b', 'a"b', 'a;b'].map(tableName);
    expect(new Set(names).size).toBe(names.length);
    for (const name of names) expect(name).toMatch(/^pptp_gateway_[A-Za-z0-9_.-]+$/);
  });

  it('finds gateways and what they remember in the output of nft', () => {
    const tables = '{"nftables":[{"metainfo":{}},{"table":{"name":"filter"}},{"table":{"name":"pptp_gateway_pptp1"}}]}';
    expect(gatewayTables(tables)).toEqual(['pptp_gateway_pptp1']);
    const comments = [
      '/proc/sys/net/ipv4/ip_forward=0',
      '/etc/passwd=0',
      '/proc/sys/net/../kernel/x=1',
      'ip_forward',
      7,
    ];
    const chain = JSON.stringify({ nftables: [{ chain: {} }, ...comments.map((comment) => ({ rule: { comment } }))] });
    expect(rememberedSysctls(chain)).toEqual([{ path: '/proc/sys/net/ipv4/ip_forward', value: '0' }]);
  });

  it('reads any output without an exception', () => {
    fc.assert(
      fc.property(fc.oneof(fc.string(), fc.json()), (text) => {
        expect(gatewayTables(text)).toEqual([]);
        expect(rememberedSysctls(`{"nftables":${text}}`)).toEqual([]);
      }),
    );
  });
});

describe('plan', () => {
  const facts = { sysctls: new Map([['/proc/sys/net/ipv4/ip_forward', '0'] as const]), others: [], interfaces: [] };

  it('gives every step that outlives the device something to take it back', () => {
    const { steps, undo } = planUp({ ...config, proxyArp: [] }, facts);
    const routes = (list: typeof steps): readonly string[] =>
      list.flatMap((step) =>
        step.kind === 'run' && step.command.args[0] === 'route' ? [step.command.args[2] ?? ''] : [],
      );
    expect(routes(steps)).toEqual(['10.99.0.0/24', '192.168.7.0/24']);
    expect(routes(undo)).toEqual(routes(steps));
    expect(undo.filter((step) => step.kind === 'sysctl')).toEqual([
      { kind: 'sysctl', path: '/proc/sys/net/ipv4/ip_forward', value: '0' },
    ]);
  });

  it('routes its slice of the pool only, and masquerades the whole of it', () => {
    const slice = [
      { network: address('10.99.0.128'), prefixLength: 26 },
      { network: address('10.99.0.192'), prefixLength: 32 },
    ];
    const nat = { mode: 'on', interfaces: ['eth1'] } as const;
    const { steps, undo } = planUp({ ...config, slice, routes: [], nat }, facts);
    const lines = (list: typeof steps): readonly string[] =>
      list.flatMap((step) => (step.kind === 'run' ? [step.command.args.join(' ')] : []));
    for (const block of ['10.99.0.128/26', '10.99.0.192/32']) {
      expect(lines(steps)).toContain(`route replace ${block} dev pptp0 src 10.99.0.1`);
      expect(lines(undo)).toContain(`route del ${block} dev pptp0`);
    }
    expect(lines(steps).join()).not.toContain('10.99.0.0/24');
    const tables = steps.flatMap((step) => (step.kind === 'run' ? [step.command.input ?? ''] : []));
    expect(tables.join()).toContain('ip saddr { 10.99.0.0/24 } oifname { "eth1" } counter masquerade');
  });

  it('routes a network once', () => {
    const { steps } = planUp({ ...config, routes: [config.pool] }, facts);
    expect(steps.filter((step) => step.kind === 'run' && step.command.args[0] === 'route')).toHaveLength(1);
  });

  it('believes the other gateway about the value from before both', () => {
    const others = [{ path: '/proc/sys/net/ipv4/ip_forward', value: '0' } as const];
    const { undo } = planUp(config, { ...facts, sysctls: new Map([['/proc/sys/net/ipv4/ip_forward', '1']]), others });
    expect(undo[0]).toEqual({ kind: 'sysctl', path: '/proc/sys/net/ipv4/ip_forward', value: '0' });
  });

  it('keeps the device free of IPv6 where the kernel has it', () => {
    const path = '/proc/sys/net/ipv6/conf/pptp0/disable_ipv6';
    const { steps } = planUp(config, { ...facts, sysctls: new Map([[path, '0']]) });
    expect(steps).toContainEqual({ kind: 'sysctl', path, value: '1' });
    expect(planUp(config, facts).steps).not.toContainEqual(expect.objectContaining({ path }));
  });
});

describe('IPv6', () => {
  const pool = parseIpv6Network('fd00:99::/48');
  if (pool === undefined) throw new Error('no pool');
  const ipv6: HostNetworkConfig = { ...config, ipv6: { gatewayAddress: gatewayIpv6(pool), pool } };
  const all = '/proc/sys/net/ipv6/conf/all/forwarding';
  const ra = (device: string) => `/proc/sys/net/ipv6/conf/${device}/accept_ra` as const;
  const facts: HostFacts = {
    sysctls: new Map<SysctlPath, string>([
      [all, '0'],
      [ra('eth0'), '1'],
      [ra('eth1'), '0'],
      [ra('lo'), '1'],
    ]),
    others: [],
    interfaces: ['lo', 'eth0', 'eth1', 'gone'],
  };
  const sysctls = (steps: readonly Step[]) =>
    steps.flatMap((step) => (step.kind === 'sysctl' ? [`${step.path.slice(14)}=${step.value}`] : []));
  const commands = (steps: readonly Step[]) =>
    steps.flatMap((step) => (step.kind === 'run' ? [step.command.args.join(' ')] : []));

  it('gives the device the gateway’s address and the pool, and makes the host forward', () => {
    const { steps, undo } = planUp(ipv6, facts);
    expect(commands(steps)).toContain('-6 address replace fd00:99::1/128 dev pptp0 nodad');
    expect(commands(steps)).toContain('-6 route replace fd00:99::/48 dev pptp0');
    expect(commands(undo)).toContain('-6 address del fd00:99::1/128 dev pptp0');
    expect(commands(undo)).toContain('-6 route del fd00:99::/48 dev pptp0');
    expect(sysctls(steps)).toContain('ipv6/conf/pptp0/disable_ipv6=0');
    expect(sysctls(steps)).not.toContain('ipv6/conf/pptp0/disable_ipv6=1');
  });

  it('lets interfaces that learn routes from advertisements go on doing so while the host forwards', () => {
    const { steps, undo } = planUp(ipv6, facts);
    expect(sysctls(steps).slice(-3)).toEqual([
      'ipv6/conf/lo/accept_ra=2',
      'ipv6/conf/eth0/accept_ra=2',
      'ipv6/conf/all/forwarding=1',
    ]);
    expect(sysctls(undo).slice(0, 3)).toEqual([
      'ipv6/conf/all/forwarding=0',
      'ipv6/conf/eth0/accept_ra=1',
      'ipv6/conf/lo/accept_ra=1',
    ]);
  });

  it('routes its slice of the prefixes only', () => {
    const [low, high] = ['fd00:99::/49', 'fd00:99:0:8000::/49'].map(parseIpv6Network);
    if (low === undefined || high === undefined) throw new Error('no slice');
    const { steps, undo } = planUp(
      { ...ipv6, ipv6: { gatewayAddress: gatewayIpv6(pool), pool, slice: [high] } },
      facts,
    );
    expect(commands(steps)).toContain('-6 route replace fd00:99:0:8000::/49 dev pptp0');
    expect(commands(undo)).toContain('-6 route del fd00:99:0:8000::/49 dev pptp0');
    expect(commands(steps).join()).not.toContain('/48 dev');
  });

  it('goes by what another gateway found', () => {
    const others = [
      { path: all, value: '0' },
      { path: ra('eth0'), value: '1' },
    ] as const;
    const changed = new Map<SysctlPath, string>([
      [all, '1'],
      [ra('eth0'), '2'],
    ]);
    const { undo } = planUp(ipv6, { sysctls: changed, others, interfaces: ['eth0'] });
    expect(sysctls(undo).slice(0, 2)).toEqual(['ipv6/conf/all/forwarding=0', 'ipv6/conf/eth0/accept_ra=1']);
  });

  it('guards clients where IPv4 is behind NAT, and never translates', () => {
    expect(renderIpv6Table(config)).toBe('');
    expect(renderIpv6Table(ipv6)).toBe('');
    const guarded = renderIpv6Table({ ...ipv6, nat: { mode: 'on', interfaces: ['eth1'] } });
    expect(guarded).toBe(
      [
        'add table ip6 pptp_gateway_pptp0',
        'delete table ip6 pptp_gateway_pptp0',
        'table ip6 pptp_gateway_pptp0 {',
        '  chain forward {',
        '    type filter hook forward priority filter; policy accept;',
        '    oifname "pptp0" iifname != { "pptp0", "eth1" } ct state new counter drop',
        '  }',
        '}',
        '',
      ].join('\n'),
    );
  });

  it('interface names are taken from ip only when they can be part of a path', () => {
    const links = [
      { ifname: 'eth0' },
      { ifname: 'a/b' },
      { ifname: '..' },
      { ifname: 5 },
      {},
      null,
      { ifname: 'br-1.2' },
    ];
    expect(interfaceNames(JSON.stringify(links))).toEqual(['eth0', 'br-1.2']);
    expect(interfaceNames('nonsense')).toEqual([]);
    expect(interfaceNames('{}')).toEqual([]);
  });
});

describe('state record', () => {
  const ip = (...args: readonly string[]) => ({ kind: 'run', command: { program: 'ip', args } });
  const nft = (args: readonly string[], input: string | undefined) => ({
    kind: 'run',
    command: { program: 'nft', args, input },
  });
  const state = {
    version: 1,
    bootId: 'b',
    networkNamespace: 'n',
    pid: 1,
    startTime: '2',
    interfaceName: 'pptp0',
    undo: [
      { kind: 'sysctl', path: '/proc/sys/net/ipv4/ip_forward', value: '0' },
      { kind: 'run', command: { program: 'ip', args: ['route', 'del', '10.0.0.0/8', 'dev', 'pptp0'] } },
      { kind: 'run', command: { program: 'nft', args: ['-f', '-'], input: removeTable('pptp_gateway_pptp0') } },
    ],
  };

  it('comes back as it was written', () => {
    expect(parseState(JSON.stringify(state))).toEqual(state);
  });

  it('comes back with all that the plans take back', () => {
    const facts: HostFacts = {
      sysctls: new Map([['/proc/sys/net/ipv4/ip_forward', '0']]),
      others: [],
      interfaces: [],
    };
    const pool = parseIpv6Network('2001:db8::/56');
    if (pool === undefined) throw new Error('no network');
    const ipv6 = { gatewayAddress: gatewayIpv6(pool), pool };
    const gateway = planUp({ ...config, ipv6, nat: { mode: 'on', interfaces: ['eth1'] } }, facts);
    const tunnel = {
      interfaceName: 'odd"name$',
      address: address('10.99.0.2'),
      peer: address('10.99.0.1'),
      server: address('203.0.113.1'),
      mtu: 1396,
      queueLength: 1000,
      routes: [{ network: address('0.0.0.0'), prefixLength: 0 }],
    };
    const client = planClient(tunnel, { device: 'eth0', via: '192.0.2.254', pinned: false }, undefined);
    const odd = planUp({ ...config, interfaceName: 'odd"name$' }, facts);
    for (const { undo } of [gateway, client, odd]) {
      expect(undo.length).toBeGreaterThan(2);
      expect(parseState(JSON.stringify({ ...state, undo }))?.undo).toEqual(undo);
    }
  });

  it.each([
    ['another version', { version: 2 }],
    ['no boot id', { bootId: undefined }],
    ['a pid that is no number', { pid: '1' }],
    ['another program', { undo: [{ kind: 'run', command: { program: 'sh', args: [] } }] }],
    ['arguments that are no strings', { undo: [{ kind: 'run', command: { program: 'ip', args: [1] } }] }],
    ['a program of its own', { undo: [ip('netns', 'exec', 'x', '/bin/sh')] }],
    ['a program of its own behind an option', { undo: [ip('-6', '-batch', '/tmp/x')] }],
    ['an option at the end', { undo: [ip('route', 'del', '-batch', '/tmp/x')] }],
    ['something else than taking away', { undo: [ip('route', 'add', 'default', 'dev', 'pptp0')] }],
    ['a file of rules', { undo: [nft(['-f', '/tmp/x'], removeTable('pptp_gateway_pptp0'))] }],
    ['rules of its own', { undo: [nft(['-f', '-'], 'include "/etc/shadow"\n')] }],
    ['the table of somebody else', { undo: [nft(['-f', '-'], removeTable('filter'))] }],
    ['no rules', { undo: [nft(['flush', 'ruleset'], undefined)] }],
    ['a file outside /proc/sys/net', { undo: [{ kind: 'sysctl', path: '/etc/shadow', value: '0' }] }],
    ['an unknown step', { undo: [{ kind: 'exec' }] }],
    ['undo that is no list', { undo: 'all' }],
  ])('is refused whole with %s', (_, change) => {
    expect(parseState(JSON.stringify({ ...state, ...change }))).toBeUndefined();
  });

  it('is read without an exception, whatever the file holds', () => {
    fc.assert(fc.property(fc.oneof(fc.string(), fc.json()), (text) => parseState(text) === undefined));
  });

  it('names only files below /proc/sys/net', () => {
    expect(isSysctlPath('/proc/sys/net/ipv4/conf/eth0.5/proxy_arp')).toBe(true);
    expect(isSysctlPath('/proc/sys/net/../kernel/core_pattern')).toBe(false);
    expect(isSysctlPath('/proc/sys/kernel/core_pattern')).toBe(false);
    expect(isSysctlPath('/proc/sys/net/ipv4/ip_forward\n')).toBe(false);
  });
});
