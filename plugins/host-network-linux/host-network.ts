import { join } from 'node:path';
import { formatIpv4, type Ipv4 } from '../../core/bytes/ipv4-address.ts';
import { type Bits64, formatPrefix64 } from '../../core/bytes/ipv6-address.ts';
import { GatewayError } from '../../core/errors.ts';
import type { CancelSignal } from '../../core/ports/cancel.ts';
import type { HostRoutes } from '../../core/ports/host-routes.ts';
import type { Lifecycle } from '../../core/ports/lifecycle.ts';
import { type Log, silentLog } from '../../core/ports/log.ts';
import type { InnerNetwork } from '../../core/ports/profile.ts';
import { commandError, isGone } from './host-errors.ts';
import { HostJournal } from './host-journal.ts';
import { cidr, type HostNetworkConfig } from './host-network-config.ts';
import type { Command, HostSystem } from './host-system.ts';
import { otherWay } from './other-way.ts';
import { type HostFacts, planUp, sysctlsOf } from './plan.ts';
import { acceptRaPath, disableIpv6Path, ipv6ForwardPath, proxyArpPath, type SysctlPath } from './sysctl.ts';

export type HostNetworkOptions = Omit<HostNetworkConfig, 'interfaceName'> & {
  /** An existing or creatable folder that is this gateway's own. */
  readonly stateDirectory: string;
  /** The process that has set everything up, and hands over to this one. */
  readonly predecessor?: number | undefined;
};

export interface HostNetworkDependencies {
  /** Started before us: the interface must exist. */
  readonly tun: { readonly interfaceName: string };
  readonly log?: Log;
  readonly host?: HostSystem;
}

export const STATE_FILE = 'host-network.json';
/** A part of the gateway has 10 s to stop: what is not taken back by then stays on the host. */
const STOP_PATIENCE_MS = 5000;

/**
 * Address, routes, forwarding, packet filter and proxy ARP of the host. What is about to change is written to the state
 * folder first, so that `stop`, or after a crash the next `start`, takes back exactly that.
 */
export class HostNetwork implements Lifecycle, HostRoutes {
  readonly name = 'host-network';
  private readonly options: HostNetworkOptions;
  private readonly tun: { readonly interfaceName: string };
  private readonly log: Log;
  private readonly journal: HostJournal;
  /** Those that were added while running: only these are taken out again. */
  private readonly networks = new Set<string>();

  constructor(dependencies: HostNetworkDependencies, options: HostNetworkOptions) {
    this.options = options;
    this.tun = dependencies.tun;
    this.log = dependencies.log ?? silentLog;
    this.journal = new HostJournal(dependencies, join(options.stateDirectory, STATE_FILE));
  }

  /** Throws GatewayError HOST_NETWORK or HOST_REFUSED; whatever was done by then is taken back. */
  async start(signal: CancelSignal): Promise<void> {
    if (this.journal.isActive || signal.aborted) return;
    const { predecessor } = this.options;
    if (predecessor !== undefined) {
      if (await this.journal.inherit(predecessor)) return;
      throw new GatewayError('HOST_NETWORK', `There is no record of what process ${predecessor} has set up.`);
    }
    const config: HostNetworkConfig = { ...this.options, interfaceName: this.tun.interfaceName };
    await this.journal.host.exclusively(async () => {
      await this.journal.recover();
      await this.journal.apply(config.interfaceName, planUp(config, await this.facts(config)));
    });
    const { interfaceName, mtu, nat, proxyArp, ipv6 } = config;
    const fields = { interfaceName, mtu, nat: nat.mode, proxyArp, ipv6: ipv6?.pool.text };
    this.log.info('host-network.up', 'The host network is set up.', fields);
  }

  /** Takes everything back; throws GatewayError HOST_NETWORK after trying all of it, and keeps the record then. */
  async stop(): Promise<void> {
    const interfaceName = await this.journal.host.exclusively(() => this.journal.revert(), STOP_PATIENCE_MS);
    if (interfaceName !== undefined) {
      this.log.info('host-network.down', 'The host network is as it was.', { interfaceName });
    }
  }

  /** Routes that were added while running, for the process that takes over. */
  snapshot(): readonly string[] {
    return [...this.networks];
  }

  restore(networks: readonly string[]): void {
    for (const network of networks) this.networks.add(network);
  }

  /** The process before has handed over: from now on this one takes back what that one has set up. */
  async adopt(): Promise<void> {
    try {
      await this.journal.adopt();
    } catch (cause) {
      const why = cause instanceof Error ? cause.message : String(cause);
      this.log.error(
        'host-network.not-recorded',
        `What is set up on the host is recorded for a process that is gone: ${why}`,
      );
    }
  }

  /** One address of the pool that is not in the slice. Needs no record: the route ends with the device. */
  async add(address: Ipv4): Promise<void> {
    // Before a route of the same length to another device: that one has to be there afterwards.
    await this.routeTo('prepend', address, ['src', formatIpv4(this.options.gatewayAddress)]);
  }

  async remove(address: Ipv4): Promise<void> {
    await this.routeTo('del', address, []);
  }

  async addNetwork(network: InnerNetwork): Promise<void> {
    const text = cidr(network);
    const rest = ['src', formatIpv4(this.options.gatewayAddress)];
    if (await this.exclusiveRoute('-4', text, rest)) this.networks.add(text);
  }

  async removeNetwork(network: InnerNetwork): Promise<void> {
    // One that was there before us stays.
    if (this.networks.delete(cidr(network))) await this.removeRoute('-4', cidr(network));
  }

  async addPrefix(prefix: Bits64): Promise<void> {
    const text = formatPrefix64(prefix);
    if (await this.exclusiveRoute('-6', text, [])) this.networks.add(text);
  }

  async removePrefix(prefix: Bits64): Promise<void> {
    const text = formatPrefix64(prefix);
    if (this.networks.delete(text)) await this.removeRoute('-6', text);
  }

  private async removeRoute(family: '-4' | '-6', network: string): Promise<void> {
    const { interfaceName } = this.tun;
    const command: Command = { program: 'ip', args: [family, 'route', 'del', network, 'dev', interfaceName] };
    const result = await this.journal.host.run(command);
    if (result.code !== 0 && !isGone(result)) throw commandError(command, result);
  }

  /** False: there is such a route into our device already. */
  private async exclusiveRoute(family: '-4' | '-6', network: string, rest: readonly string[]): Promise<boolean> {
    const { host } = this.journal;
    const { interfaceName } = this.tun;
    const ways = await host.run({ program: 'ip', args: ['-j', family, 'route', 'show', 'match', network] });
    const other = otherWay(ways.stdout, network, interfaceName);
    // One with a metric does not keep ours out, which would win over it.
    if (other !== undefined) {
      throw new GatewayError(
        'HOST_NETWORK',
        `The host has a route to ${other.network} already, and not into ${interfaceName} but ${other.device}: see "ip route show ` +
          `match ${network}".`,
      );
    }
    const command: Command = {
      program: 'ip',
      args: [family, 'route', 'add', network, 'dev', interfaceName, ...rest],
    };
    const result = await host.run(command);
    if (result.code === 0) return true;
    if (!result.stderr.includes('File exists')) throw commandError(command, result);
    const shown = await host.run({ program: 'ip', args: [family, 'route', 'show', network, 'dev', interfaceName] });
    if (shown.stdout.trim() !== '') return false;
    throw new GatewayError(
      'HOST_NETWORK',
      `The host has a route to ${network} already, and not into ${interfaceName}: see "ip route show ${network}".`,
    );
  }

  private async routeTo(verb: 'prepend' | 'del', address: Ipv4, rest: readonly string[]): Promise<void> {
    const { interfaceName } = this.tun;
    const args = ['route', verb, `${formatIpv4(address)}/32`, 'dev', interfaceName, ...rest];
    const command: Command = { program: 'ip', args };
    const result = await this.journal.host.run(command);
    const there = verb === 'prepend' && result.stderr.includes('File exists');
    if (result.code !== 0 && !there && !isGone(result)) throw commandError(command, result);
  }

  private async facts(config: HostNetworkConfig): Promise<HostFacts> {
    const sysctls = new Map<SysctlPath, string>();
    const interfaces = config.ipv6 === undefined ? [] : await this.journal.interfaces();
    const ipv6 = config.ipv6 === undefined ? [] : [ipv6ForwardPath, ...interfaces.map(acceptRaPath)];
    for (const path of [...sysctlsOf(config), disableIpv6Path(config.interfaceName), ...ipv6]) {
      const value = await this.journal.host.read(path);
      if (value !== undefined) sysctls.set(path, value);
    }
    for (const [name, path] of this.proxyArpPaths(config)) {
      if (!sysctls.has(path)) {
        throw new GatewayError(
          'HOST_NETWORK',
          `There is no interface "${name}" to answer ARP on: correct PPTP_PROXY_ARP (ip link shows the interfaces).`,
        );
      }
    }
    if (config.ipv6 !== undefined && !sysctls.has(ipv6ForwardPath)) {
      throw new GatewayError(
        'HOST_NETWORK',
        'This kernel has no IPv6, but PPTP_IPV6_POOL is set: start it without ipv6.disable=1, or set PPTP_IPV6_POOL=off.',
      );
    }
    return { sysctls, interfaces, others: await this.journal.changedByOthers(config.interfaceName) };
  }

  private proxyArpPaths(config: HostNetworkConfig): readonly (readonly [string, SysctlPath])[] {
    return config.proxyArp.map((name) => [name, proxyArpPath(name)] as const);
  }
}
