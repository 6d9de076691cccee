import { type ChildProcess, spawn } from 'node:child_process';
import { once } from 'node:events';
import { existsSync, mkdtempSync, readdirSync, rmSync, statSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { createInterface, type Interface } from 'node:readline';
import { afterEach, beforeEach, describe, expect, it } from 'vitest';
import { connect, Netns, netnsUnavailable, ROOT, TS_HOOK } from '../support/netns.ts';

const built = existsSync(join(ROOT, 'native', 'build', 'Release', 'pptp_native.node'));
const reason = netnsUnavailable('nft') ?? (built ? undefined : 'the native addon is not built (npm run build:native)');

const POOL_A = 0x0a630000; // 10.99.0.0
const POOL_B = 0x0a4d6400; // 10.77.100.0

/** A process that holds a host network, see peers/host-network-holder.ts. */
class Holder {
  readonly process: ChildProcess;
  private readonly lines: AsyncIterator<string>;
  private readonly reader: Interface;

  constructor(
    ns: Netns,
    order: {
      interfaceName: string;
      stateDirectory: string;
      pool: number;
      proxyArp?: readonly string[];
      ipv6?: string;
    },
  ) {
    const script = join(ROOT, 'test', 'e2e', 'peers', 'host-network-holder.ts');
    const argument = JSON.stringify({ proxyArp: [], ...order });
    // `ip netns exec` replaces itself with the program: the pid is node's.
    const [program, args] = ns.inside(process.execPath, '--import', TS_HOOK, script, argument);
    this.process = spawn(program, [...args], { stdio: ['pipe', 'pipe', 'inherit'] });
    if (this.process.stdout === null) throw new Error('no output');
    this.reader = createInterface(this.process.stdout);
    this.lines = this.reader[Symbol.asyncIterator]();
  }

  async says(): Promise<string> {
    const { value, done } = await this.lines.next();
    return done === true ? '(ended)' : value;
  }

  async stop(): Promise<string> {
    this.process.stdin?.write('stop\n');
    const said = await this.says();
    await this.ended();
    return said;
  }

  async kill(): Promise<void> {
    if (this.process.exitCode === null && this.process.signalCode === null) {
      this.process.kill('SIGKILL');
      await this.ended();
    }
  }

  private async ended(): Promise<void> {
    if (this.process.exitCode === null && this.process.signalCode === null) await once(this.process, 'exit');
  }
}

describe.skipIf(reason !== undefined)(
  `host network in a network namespace${reason ? ` (skipped: ${reason})` : ''}`,
  () => {
    let host: Netns;
    let lan: Netns;
    let folder: string;
    const holders: Holder[] = [];

    /*   lan namespace: lan0 10.77.0.10/16 ---- eth7 10.77.0.1/16: host namespace, with the tunnel devices   */
    beforeEach(() => {
      host = new Netns('hn');
      lan = new Netns('hl');
      connect(
        { ns: host, device: 'eth7', addresses: ['10.77.0.1/16'] },
        { ns: lan, device: 'lan0', addresses: ['10.77.0.10/16'] },
      );
      folder = mkdtempSync(join(tmpdir(), 'pptp-hn-'));
    });
    afterEach(async () => {
      for (const holder of holders.splice(0)) await holder.kill();
      host.destroy();
      lan.destroy();
      rmSync(folder, { recursive: true, force: true });
    });

    const hold = (order: {
      interfaceName: string;
      pool: number;
      state?: string;
      proxyArp?: readonly string[];
      ipv6?: string;
      ns?: Netns;
    }): Holder => {
      const { state = 'a', ns = host, ...rest } = order;
      const holder = new Holder(ns, { ...rest, stateDirectory: join(folder, state) });
      holders.push(holder);
      return holder;
    };
    const tables = (): string => host.run('nft', 'list', 'tables');
    const sysctl = (name: string): string => host.run('cat', `/proc/sys/net/ipv4/${name}`).trim();
    /** Everything a gateway could have changed. */
    const portrait = (): readonly string[] => [
      host.run('nft', 'list', 'ruleset'),
      host.ip('route'),
      host.ip('-o', 'link', 'show', 'up').replace(/<.*$/gm, ''),
      sysctl('ip_forward'),
      sysctl('conf/eth7/proxy_arp'),
    ];

    it('sets up IPv6 and takes it back; what an interface learns from advertisements stays', async () => {
      const sysctl6 = (name: string): string => host.run('cat', `/proc/sys/net/ipv6/conf/${name}`).trim();
      host.run('sysctl', '-qw', 'net.ipv6.conf.eth7.disable_ipv6=0', 'net.ipv6.conf.eth7.accept_ra=1');
      const portrait6 = (): readonly string[] => [
        host.ip('-6', 'route'),
        // Without the flags: duplicate address detection of eth7 may end meanwhile.
        host.ip('-6', '-o', 'address').replace(/( inet6 \S+).*$/gm, '$1'),
        sysctl6('all/forwarding'),
        sysctl6('eth7/accept_ra'),
      ];
      const before = [...portrait(), ...portrait6()];
      const holder = hold({ interfaceName: 'pgt7', pool: POOL_A, ipv6: 'fd00:99::/48' });
      expect(await holder.says()).toBe('up pgt7');
      const addresses = host.ip('-6', '-o', 'address', 'show', 'pgt7').trim().split('\n');
      expect(addresses).toHaveLength(1);
      expect(addresses[0]).toContain('fd00:99::1/128');
      expect(host.ip('-6', 'route')).toContain('fd00:99::/48 dev pgt7');
      expect([sysctl6('all/forwarding'), sysctl6('eth7/accept_ra')]).toEqual(['1', '2']);
      expect(await holder.stop()).toBe('down');
      expect([...portrait(), ...portrait6()]).toEqual(before);
    });

    it('after a crash the next start takes IPv6 back, too', async () => {
      const forwarding = (): string => host.run('cat', '/proc/sys/net/ipv6/conf/all/forwarding').trim();
      const crashed = hold({ interfaceName: 'pgt7', pool: POOL_A, ipv6: 'fd00:99::/48' });
      expect(await crashed.says()).toBe('up pgt7');
      await crashed.kill();
      expect(forwarding()).toBe('1');
      const next = hold({ interfaceName: 'pgt7', pool: POOL_A });
      expect(await next.says()).toBe('up pgt7');
      expect(forwarding()).toBe('0');
      expect(await next.stop()).toBe('down');
    });

    it('sets up address, route, forwarding, NAT and the ICMP rule, and takes all of it back', async () => {
      const before = portrait();
      const holder = hold({ interfaceName: 'pgt7', pool: POOL_A });
      expect(await holder.says()).toBe('up pgt7');
      expect(host.ip('-o', 'address', 'show', 'pgt7')).toContain('10.99.0.1/32');
      expect(host.ip('route')).toContain('10.99.0.0/24 dev pgt7');
      expect(host.ip('link', 'show', 'pgt7')).toMatch(/mtu 1400.*qlen 1000/s);
      expect(sysctl('ip_forward')).toBe('1');
      const table = host.run('nft', 'list', 'table', 'ip', 'pptp_gateway_pgt7');
      expect(table).toContain('ip saddr 10.99.0.0/24 oifname != "pgt7"');
      expect(statSync(join(folder, 'a', 'host-network.json')).mode & 0o777).toBe(0o600);

      expect(await holder.stop()).toBe('down');
      expect(portrait()).toEqual(before);
      expect(readdirSync(join(folder, 'a'))).toEqual([]);
    });

    it('takes back what a killed gateway left, when the next one has another device and pool', async () => {
      const before = portrait();
      const first = hold({ interfaceName: 'pgt7', pool: POOL_A, proxyArp: ['eth7'] });
      expect(await first.says()).toBe('up pgt7');
      await first.kill();
      expect(tables()).toContain('pptp_gateway_pgt7');
      expect([sysctl('ip_forward'), sysctl('conf/eth7/proxy_arp')]).toEqual(['1', '1']);

      const second = hold({ interfaceName: 'pgt8', pool: POOL_B });
      expect(await second.says()).toBe('up pgt8');
      expect(tables()).toBe('table ip pptp_gateway_pgt8\n');
      expect([sysctl('ip_forward'), sysctl('conf/eth7/proxy_arp')]).toEqual(['1', '0']);
      expect(await second.stop()).toBe('down');
      expect(portrait()).toEqual(before);
    });

    it('takes back what it left itself, after kill and restart with the same configuration', async () => {
      const before = portrait();
      const first = hold({ interfaceName: 'pgt7', pool: POOL_A });
      await first.says();
      await first.kill();
      const second = hold({ interfaceName: 'pgt7', pool: POOL_A });
      expect(await second.says()).toBe('up pgt7');
      expect(await second.stop()).toBe('down');
      expect(portrait()).toEqual(before);
    });

    it('lets two gateways share a namespace: the last one out turns forwarding off', async () => {
      const before = portrait();
      const first = hold({ interfaceName: 'pgt7', pool: POOL_A, state: 'a' });
      await first.says();
      const second = hold({ interfaceName: 'pgt8', pool: POOL_B, state: 'b' });
      await second.says();
      await first.stop();
      expect(sysctl('ip_forward')).toBe('1');
      expect(tables()).toBe('table ip pptp_gateway_pgt8\n');
      await second.stop();
      expect(portrait()).toEqual(before);
    });

    it('leaves another namespace alone', async () => {
      const first = hold({ interfaceName: 'pgt7', pool: POOL_A, state: 'a' });
      await first.says();
      const elsewhere = hold({ interfaceName: 'pgt7', pool: POOL_A, state: 'b', ns: lan });
      expect(await elsewhere.says()).toBe('up pgt7');
      await elsewhere.stop();
      expect(tables()).toContain('pptp_gateway_pgt7');
      expect(sysctl('ip_forward')).toBe('1');
    });

    it('refuses a state folder that a living gateway uses', async () => {
      const first = hold({ interfaceName: 'pgt7', pool: POOL_A });
      await first.says();
      const second = hold({ interfaceName: 'pgt8', pool: POOL_B });
      expect(await second.says()).toContain(`HOST_NETWORK: The state folder ${join(folder, 'a')} is in use by process`);
      expect(tables()).toBe('table ip pptp_gateway_pgt7\n');
    });

    it('answers ARP for clients on the intranet when told to', async () => {
      const holder = hold({ interfaceName: 'pgt7', pool: POOL_B, proxyArp: ['eth7'] });
      await holder.says();
      // Nobody answers the ping; who answers ARP is the question.
      lan.attempt('ping', '-c', '1', '-W', '2', '10.77.100.5');
      const mac = /link\/ether (\S+)/.exec(host.ip('link', 'show', 'eth7'))?.[1] ?? '';
      expect(lan.ip('neigh', 'show', '10.77.100.5')).toContain(mac);
    });

    it('masquerades clients towards the intranet', async () => {
      const holder = hold({ interfaceName: 'pgt7', pool: POOL_A });
      await holder.says();
      // A second address of the host stands for a client: what counts is the source the intranet sees.
      host.ip('address', 'add', '10.99.0.9/32', 'dev', 'pgt7');
      expect(host.run('ping', '-c', '1', '-W', '20', '-I', '10.99.0.9', '10.77.0.10')).toContain('1 received');
    });

    it('keeps ICMP protocol unreachable about GRE in, and no other', async () => {
      const holder = hold({ interfaceName: 'pgt7', pool: POOL_A });
      await holder.says();
      const send = join(ROOT, 'test', 'e2e', 'peers', 'protocol-probe.mjs');
      const probe = (protocol: string): string => lan.run(process.execPath, send, '10.77.0.1', protocol).trim();
      expect(probe('253')).toBe('unreachable');
      expect(probe('47')).toBe('silence');
      expect(host.run('nft', 'list', 'chain', 'ip', 'pptp_gateway_pgt7', 'output')).toMatch(/counter packets [1-9]/);
      await holder.stop();
      expect(probe('47')).toBe('unreachable');
    });
  },
);
