import { existsSync, mkdtempSync, readFileSync, rmSync, writeFileSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { afterEach, beforeEach, describe, expect, it } from 'vitest';
import { bits64 } from '../../../../core/bytes/ipv6-address.ts';
import { HostNetwork, type HostNetworkOptions } from '../../../../plugins/host-network-linux/host-network.ts';
import { address } from '../../../support/batches.ts';
import { MemoryLog } from '../../../support/memory-log.ts';
import { FakeHost, stat } from './fake-host.ts';

const notAborted = { aborted: false, addEventListener: (): void => undefined };
const FORWARD = '/proc/sys/net/ipv4/ip_forward';

describe('HostNetwork', () => {
  let folder: string;
  let host: FakeHost;
  let log: MemoryLog;
  beforeEach(() => {
    folder = mkdtempSync(join(tmpdir(), 'pptp-host-'));
    host = new FakeHost();
    log = new MemoryLog();
  });
  afterEach(() => rmSync(folder, { recursive: true, force: true }));

  const state = (): string => join(folder, 'host-network.json');
  const network = (options: Partial<HostNetworkOptions> = {}, interfaceName = 'pptp0'): HostNetwork =>
    new HostNetwork(
      { tun: { interfaceName }, log, host },
      {
        gatewayAddress: address('10.99.0.1'),
        pool: { network: address('10.99.0.0'), prefixLength: 24 },
        routes: [],
        mtu: 1396,
        queueLength: 500,
        nat: { mode: 'all' },
        proxyArp: [],
        stateDirectory: folder,
        ...options,
      },
    );
  /** A gateway that was killed: its record stays, its process does not. */
  const killed = async (options: Partial<HostNetworkOptions> = {}, interfaceName = 'pptp0'): Promise<void> => {
    await network(options, interfaceName).start(notAborted);
    const record: object = JSON.parse(readFileSync(state(), 'utf8'));
    writeFileSync(state(), JSON.stringify({ ...record, pid: 99999 }));
    host.done.length = 0;
  };

  it('takes everything back in the time that a part has to stop, whoever holds the turn', async () => {
    const it = network();
    await it.start(notAborted);
    await it.stop();
    // The gateway gives up on a part after 10 s.
    expect(host.patience).toBeLessThan(10_000);
  });

  const recordOf = (): object => JSON.parse(readFileSync(state(), 'utf8'));

  it('a process that was to take over and fails takes nothing back, and leaves the record as it was', async () => {
    await network().start(notAborted);
    const before = { ...recordOf(), pid: 77777 };
    writeFileSync(state(), JSON.stringify(before));
    host.done.length = 0;
    const it = network({ predecessor: 77777 });
    await it.start(notAborted);
    await it.stop();
    expect(host.done).toEqual([]);
    expect(recordOf()).toEqual(before);
    // So the next attempt finds it.
    await network({ predecessor: 77777 }).start(notAborted);
  });

  it('a process that has taken over takes back what the one before has set up', async () => {
    await network().start(notAborted);
    writeFileSync(state(), JSON.stringify({ ...recordOf(), pid: 77777 }));
    host.done.length = 0;
    const it = network({ predecessor: 77777 });
    await it.start(notAborted);
    await it.adopt();
    expect(recordOf()).toMatchObject({ pid: process.pid });
    expect(host.done).toEqual([]);
    await it.stop();
    expect(host.files.get(FORWARD)).toBe('0');
    expect(existsSync(state())).toBe(false);
  });

  it('a process that takes over from one that has no record does not start', async () => {
    await network().start(notAborted);
    await expect(network({ predecessor: 77777 }).start(notAborted)).rejects.toMatchObject({ code: 'HOST_NETWORK' });
  });

  it('goes on where the record of what it has taken over cannot be written', async () => {
    await network().start(notAborted);
    writeFileSync(state(), JSON.stringify({ ...recordOf(), pid: 77777 }));
    const it = network({ predecessor: 77777 });
    await it.start(notAborted);
    rmSync(folder, { recursive: true });
    writeFileSync(folder, 'no folder');
    await it.adopt();
    expect(log.lines.map(({ event }) => event)).toContain('host-network.not-recorded');
  });

  it('does the packet filter first and forwarding last, and the reverse to stop', async () => {
    const it = network();
    await it.start(notAborted);
    expect(host.done.map((line) => line.split(' <<<')[0])).toEqual([
      'nft -f -',
      'ip address replace 10.99.0.1/32 dev pptp0',
      'ip link set dev pptp0 mtu 1396 txqueuelen 500 up',
      'ip route replace 10.99.0.0/24 dev pptp0 src 10.99.0.1',
      `${FORWARD} = 1`,
    ]);
    host.done.length = 0;
    await it.stop();
    expect(host.done).toEqual([
      `${FORWARD} = 0`,
      'ip route del 10.99.0.0/24 dev pptp0',
      'ip address del 10.99.0.1/32 dev pptp0',
      'nft -f - <<< add table ip pptp_gateway_pptp0\ndelete table ip pptp_gateway_pptp0\n',
    ]);
    expect(existsSync(state())).toBe(false);
  });

  it('writes down what to take back before it changes anything', async () => {
    host.run = async (command) => {
      if (command.args[0] === '-f') expect(JSON.parse(readFileSync(state(), 'utf8')).undo).toHaveLength(4);
      return { code: 0, stdout: '', stderr: '', missing: false };
    };
    await network().start(notAborted);
    expect.assertions(1);
  });

  it('leaves forwarding alone when it was on before', async () => {
    host.files.set(FORWARD, '1');
    const it = network();
    await it.start(notAborted);
    await it.stop();
    expect(host.done.filter((line) => line.startsWith('/proc'))).toEqual([]);
  });

  it('takes back what failed half-way, and says which command failed and why', async () => {
    host.answers.push(['ip link', { code: 2, stderr: 'RTNETLINK answers: Invalid argument\n' }]);
    await expect(network().start(notAborted)).rejects.toMatchObject({
      code: 'HOST_NETWORK',
      message: expect.stringMatching(
        /"ip link set dev pptp0 .*failed with status 2 \(RTNETLINK answers: Invalid argument\)/,
      ),
    });
    expect(host.done.at(-1)).toContain('delete table ip pptp_gateway_pptp0');
    expect(existsSync(state())).toBe(false);
  });

  it.each([
    ['nft', 'nft', 'nftables'],
    ['ip', 'ip address', 'iproute2'],
  ])('names the Debian package when %s is missing', async (_, start, packageName) => {
    host.answers.push([start, { code: 1, missing: true, stderr: 'spawn ENOENT' }]);
    const message = expect.stringContaining(`apt-get install ${packageName}`);
    await expect(network().start(notAborted)).rejects.toMatchObject({ code: 'HOST_REFUSED', message });
  });

  it('says what to do without the right to change the network, or with a read-only /proc/sys', async () => {
    host.readOnly = true;
    const message = expect.stringContaining('--sysctl net.ipv4.ip_forward=1');
    await expect(network().start(notAborted)).rejects.toMatchObject({ code: 'HOST_REFUSED', message });
    host.answers.push(['nft -f', { code: 1, stderr: 'Operation not permitted (you must be root)' }]);
    const rights = expect.stringContaining('CAP_NET_ADMIN');
    await expect(network().start(notAborted)).rejects.toMatchObject({ code: 'HOST_REFUSED', message: rights });
  });

  it('refuses to answer ARP on an interface that is not there', async () => {
    const message = expect.stringContaining('PPTP_PROXY_ARP');
    await expect(network({ proxyArp: ['eth9'] }).start(notAborted)).rejects.toMatchObject({
      code: 'HOST_NETWORK',
      message,
    });
    expect(host.done).toEqual([]);
  });

  it('first takes back what a killed gateway with other settings left', async () => {
    await killed({ proxyArp: ['eth1'], pool: { network: address('10.50.0.0'), prefixLength: 16 } }, 'old0');
    host.answers.push(['ip route del', { code: 1, stderr: 'Cannot find device "old0"' }]);
    await network().start(notAborted);
    const done = host.done.join('\n');
    const undone = done.indexOf('delete table ip pptp_gateway_old0');
    expect(done.indexOf('/proc/sys/net/ipv4/conf/eth1/proxy_arp = 0')).toBeGreaterThanOrEqual(0);
    expect(undone).toBeGreaterThan(done.indexOf('ip route del 10.50.0.0/16 dev old0'));
    expect(done.indexOf('add table ip pptp_gateway_pptp0')).toBeGreaterThan(undone);
    expect(log.events('warn')).toEqual([]);
  });

  it('remembers the value from before the killed gateway, not the killed one’s', async () => {
    await killed();
    expect(host.files.get(FORWARD)).toBe('1');
    const it = network();
    await it.start(notAborted);
    await it.stop();
    expect(host.files.get(FORWARD)).toBe('0');
  });

  it.each([
    ['the host was started again', (fake: FakeHost) => fake.files.set('/proc/sys/kernel/random/boot_id', 'boot-2')],
    ['it was another network namespace', (fake: FakeHost) => Object.assign(fake, { namespace: 'net:[2]' })],
  ])('forgets a record when %s', async (_, change) => {
    await killed({}, 'old0');
    change(host);
    await network().start(notAborted);
    expect(host.done.join('\n')).not.toContain('old0');
  });

  it('refuses a state folder in use by a living process, and touches nothing', async () => {
    await killed();
    host.files.set('/proc/99999/stat', stat(99999, 5000));
    await expect(network().start(notAborted)).rejects.toMatchObject({
      code: 'HOST_NETWORK',
      message: expect.stringContaining('in use by process 99999'),
    });
    expect(host.done).toEqual([]);
  });

  it('does not take a later process with the same number for the killed one', async () => {
    await killed();
    host.files.set('/proc/99999/stat', stat(99999, 7777));
    await network().start(notAborted);
    expect(log.events('info')).toContain('host-network.recover');
  });

  it('does not take one that has ended for living, though nobody has asked for its end yet', async () => {
    await killed();
    host.files.set('/proc/99999/stat', stat(99999, 5000).replace(' S ', ' Z '));
    await network().start(notAborted);
    expect(log.events('info')).toContain('host-network.recover');
  });

  it('leaves forwarding on while another gateway of the namespace needs it, and restores for the last', async () => {
    host.files.set(FORWARD, '1');
    host.addOtherGateway();
    const it = network();
    await it.start(notAborted);
    await it.stop();
    expect(host.files.get(FORWARD)).toBe('1');
    await it.start(notAborted);
    host.answers.push(['nft -j list tables', { stdout: '{"nftables":[]}' }]);
    await it.stop();
    expect(host.files.get(FORWARD)).toBe('0');
  });

  it('keeps the record and says so when something cannot be taken back', async () => {
    const it = network();
    await it.start(notAborted);
    host.answers.push(['nft -f', { code: 1, stderr: 'Error: busy' }]);
    await expect(it.stop()).rejects.toMatchObject({ code: 'HOST_NETWORK' });
    expect(existsSync(state())).toBe(true);
  });

  it.each([
    '',
    'not json',
    '{"version":2}',
    '{"version":1,"undo":[{"kind":"run","command":{"program":"rm","args":["-rf"]}}]}',
  ])('does not run a record that is not its own (%j)', async (text) => {
    writeFileSync(state(), text);
    await network().start(notAborted);
    expect(log.events('warn')).toEqual(['host-network.state-unreadable']);
    expect(host.done[0]).toContain('nft -f -');
  });

  it('says which folder must be writable', async () => {
    writeFileSync(join(folder, 'file'), '');
    const message = expect.stringContaining('PPTP_STATE_DIR');
    const start = network({ stateDirectory: join(folder, 'file') }).start(notAborted);
    await expect(start).rejects.toMatchObject({ code: 'HOST_NETWORK', message });
  });

  it('may be stopped without having been started', async () => {
    await network().stop();
    expect(host.done).toEqual([]);
  });

  describe('routes to networks behind peers', () => {
    const SITE = { network: address('192.168.5.0'), prefixLength: 24 };
    const done = { code: 0, stdout: '', stderr: '', missing: false };
    const exists = { ...done, code: 2, stderr: 'RTNETLINK answers: File exists' };
    const commands = (): string[] => {
      const said: string[] = [];
      host.run = async ({ program, args }) => {
        said.push([program, ...args].join(' '));
        return done;
      };
      return said;
    };

    it('are there while they are wanted, those to prefixes too', async () => {
      const it = network();
      const said = commands();
      const prefix = bits64(0xfd000002, 0x00030004);
      await it.addNetwork(SITE);
      await it.addPrefix(prefix);
      await it.removeNetwork(SITE);
      await it.removePrefix(prefix);
      expect(said).toEqual([
        'ip -j -4 route show match 192.168.5.0/24',
        'ip -4 route add 192.168.5.0/24 dev pptp0 src 10.99.0.1',
        'ip -j -6 route show match fd00:2:3:4::/64',
        'ip -6 route add fd00:2:3:4::/64 dev pptp0',
        'ip -4 route del 192.168.5.0/24 dev pptp0',
        'ip -6 route del fd00:2:3:4::/64 dev pptp0',
      ]);
    });

    it('that the operator has set into our device stay when the session ends', async () => {
      const it = network();
      host.run = async ({ args }) =>
        args.includes('add') ? exists : { ...done, stdout: args.includes('show') ? '192.168.5.0/24 scope link' : '' };
      await it.addNetwork(SITE);
      const said = commands();
      await it.removeNetwork(SITE);
      expect(said).toEqual([]);
    });

    const ways = (...found: readonly object[]) => ({ ...done, stdout: JSON.stringify(found) });
    const LAN = { dst: '192.168.0.0/16', dev: 'eth0', protocol: 'kernel', scope: 'link', metric: 100 };

    it.each([
      ['whatever its metric', { dst: '192.168.5.0/24', gateway: '10.0.0.1', dev: 'eth0', metric: 50 }],
      ['and be it a larger one that the host is on itself', LAN],
    ])('that have another way are refused, %s', async (_which, way) => {
      const it = network();
      const asked: string[] = [];
      host.run = async ({ args }) => {
        asked.push(args.includes('match') ? 'match' : args.join(' '));
        return args.includes('match') ? ways({ dst: 'default', dev: 'eth0', protocol: 'kernel' }, way) : done;
      };
      await expect(it.addNetwork(SITE)).rejects.toMatchObject({
        code: 'HOST_NETWORK',
        message: expect.stringMatching(/192\.168\.[05]\.0\/\d+ already, and not into pptp0 but eth0/),
      });
      expect(asked).toEqual(['match']);
    });

    it.each([
      ['that a router has a way to', { dst: '192.168.0.0/16', gateway: '10.0.0.1', dev: 'eth0' }],
      ['that is ours', { ...LAN, dev: 'pptp0' }],
    ])('may be part of a larger network %s', async (_which, way) => {
      const it = network();
      host.run = async ({ args }) => (args.includes('match') ? ways(way) : done);
      await it.addNetwork(SITE);
    });

    it('that lead elsewhere are refused, and so is what the host refuses', async () => {
      const it = network();
      host.run = async ({ args }) => (args.includes('add') ? exists : done);
      await expect(it.addNetwork(SITE)).rejects.toMatchObject({
        code: 'HOST_NETWORK',
        message: expect.stringContaining('192.168.5.0/24 already'),
      });
      host.run = async () => ({ ...done, code: 2, stderr: 'RTNETLINK answers: Operation not permitted' });
      await expect(it.addNetwork(SITE)).rejects.toMatchObject({ code: 'HOST_REFUSED' });
    });
  });

  it('routes and masquerades further pools, this process its parts of them', async () => {
    const further = [
      {
        pool: { network: address('10.50.0.0'), prefixLength: 24 },
        slice: [{ network: address('10.50.0.0'), prefixLength: 25 }],
      },
      { pool: { network: address('10.60.0.0'), prefixLength: 24 } },
    ];
    await network({ further }).start(notAborted);
    const routes = host.done.filter((line) => line.startsWith('ip route')).map((line) => line.split(' ')[3]);
    expect(routes).toEqual(['10.99.0.0/24', '10.50.0.0/25', '10.60.0.0/24']);
    expect(host.done[0]).toContain('ip saddr { 10.99.0.0/24, 10.50.0.0/24, 10.60.0.0/24 }');
  });
});
