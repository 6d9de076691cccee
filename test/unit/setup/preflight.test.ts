import { describe, expect, test } from 'vitest';
import {
  checkMachine,
  checkRun,
  DIAL_PROGRAMS,
  type Facts,
  needsOf,
  planBrowser,
  planPackages,
  RUN_PROGRAMS,
} from '../../../setup/lib/preflight.mjs';

const NET_ADMIN = 1n << 12n;
const NET_RAW = 1n << 13n;

const machine: Facts = {
  platform: 'linux',
  nodeVersion: '20.20.2',
  isRoot: true,
  capabilities: NET_ADMIN | NET_RAW | 1n,
  tun: 'usable',
  hasApt: true,
  isInstalled: () => true,
};

const lines = (facts: Partial<Facts>): string[] =>
  checkRun({ ...machine, ...facts }).map(({ code, message }) => `${code}: ${message}`);

describe('before anything is installed', () => {
  test('a machine that will do gets no line', () => {
    expect(lines({})).toEqual([]);
  });

  test.each(['20.19.0', '22.0.0', '24.1.2'])('Node %s will do', (nodeVersion) => {
    expect(lines({ nodeVersion })).toEqual([]);
  });

  test.each(['18.20.1', '20.18.3', '16.0.0'])('Node %s will not', (nodeVersion) => {
    expect(lines({ nodeVersion })).toEqual([
      `NODE_TOO_OLD: Node 20.19 or newer is needed; this is ${nodeVersion}. Install a newer Node and start again.`,
    ]);
  });

  test('another system is told so, and only that', () => {
    expect(lines({ platform: 'darwin', capabilities: undefined, tun: 'missing', isRoot: false })).toEqual([
      'NOT_LINUX: the gateway needs Linux; this is darwin. Use a Linux machine, virtual machine or container.',
    ]);
  });

  test('an ordinary user is told to become root', () => {
    expect(lines({ isRoot: false, capabilities: 0n })).toEqual([
      'NOT_ROOT: CAP_NET_ADMIN and CAP_NET_RAW are missing: start it as root (sudo), or give it these capabilities.',
    ]);
  });

  test('root without a capability is in a container', () => {
    expect(lines({ capabilities: NET_RAW })).toEqual([
      'NOT_ROOT: CAP_NET_ADMIN is missing: start the container with --cap-add NET_ADMIN.',
    ]);
  });

  test('an ordinary user with both capabilities will do', () => {
    expect(lines({ isRoot: false })).toEqual([]);
  });

  test('without /proc only root will do', () => {
    expect(lines({ capabilities: undefined })).toEqual([]);
    expect(lines({ capabilities: undefined, isRoot: false })).toHaveLength(1);
  });

  test.each([
    ['missing', 'modprobe tun'],
    ['refused', '--device /dev/net/tun'],
  ] as const)('/dev/net/tun %s', (tun, remedy) => {
    expect(lines({ tun })).toEqual([expect.stringMatching(/^TUN_MISSING: \/dev\/net\/tun /)]);
    expect(lines({ tun })[0]).toContain(remedy);
  });

  test('every problem has its own line', () => {
    const codes = checkRun({ ...machine, nodeVersion: '18.0.0', capabilities: 0n, tun: 'missing' }).map(
      ({ code }) => code,
    );
    expect(codes).toEqual(['NODE_TOO_OLD', 'NOT_ROOT', 'TUN_MISSING']);
  });

  test('verbs that only handle files need neither rights nor the device', () => {
    expect(checkMachine({ ...machine, capabilities: 0n, tun: 'missing', isRoot: false })).toEqual([]);
  });
});

describe('system packages', () => {
  const without = (...names: string[]) => ({ ...machine, isInstalled: (program: string) => !names.includes(program) });

  test('nothing missing, nothing to do', () => {
    expect(planPackages(RUN_PROGRAMS, machine)).toEqual({ kind: 'nothing' });
  });

  test('root on Debian installs what is missing, after saying which', () => {
    expect(planPackages(RUN_PROGRAMS, without('nft'))).toEqual({
      kind: 'install',
      packages: ['nftables'],
      reason: 'nft is missing',
    });
  });

  test('one browser is enough, and the smallest is installed where there is none', () => {
    expect(planBrowser(without('chromium-headless-shell', 'chromium'))).toEqual({ kind: 'nothing' });
    expect(planBrowser({ ...machine, isInstalled: () => false })).toEqual({
      kind: 'install',
      packages: ['chromium-headless-shell'],
      reason: 'chromium-headless-shell is missing',
    });
  });

  test('others are told what to install', () => {
    const plan = planPackages(RUN_PROGRAMS, { ...without('ip', 'nft'), isRoot: false });
    expect(plan).toMatchObject({
      kind: 'tell',
      problem: {
        code: 'PACKAGES_MISSING',
        message: 'ip, nft are missing: install them as root: apt-get install iproute2 nftables',
      },
    });
    const elsewhere = planPackages(RUN_PROGRAMS, { ...without('ip'), hasApt: false });
    expect(elsewhere).toMatchObject({ kind: 'tell', problem: { message: expect.stringContaining('iproute2') } });
  });
});

describe('what a verb needs', () => {
  test('a gateway has a dashboard and a packet filter, a client neither; both need the devices', () => {
    expect(needsOf(['run', '--port', '1723'])).toEqual({ devices: true, programs: RUN_PROGRAMS, dashboard: true });
    expect(needsOf(['dial', 'vpn.example.com', '--user', 'run'])).toEqual({
      devices: true,
      programs: DIAL_PROGRAMS,
      dashboard: false,
    });
    expect(DIAL_PROGRAMS).toEqual({ ip: 'iproute2' });
  });

  test('the gateway that takes over from another is built as one that starts; who asks for it needs no rights', () => {
    expect(needsOf(['upgrade'])).toEqual({ devices: false, programs: {}, dashboard: true });
  });

  test.each([
    [[]],
    [['run', '--help']],
    [['dial', '-h']],
    [['users', 'add', 'run']],
    [['config', 'check']],
    [['--version']],
  ])('%j needs none of it', (argv) => {
    expect(needsOf(argv)).toBeUndefined();
  });
});
