import { join } from 'node:path';
import { formatIpv4, type Ipv4 } from '../../core/bytes/ipv4-address.ts';
import { GatewayError } from '../../core/errors.ts';
import type { Log } from '../../core/ports/log.ts';
import { type ClientTunnel, coversServer, hasRoute, parseWay, planClient, type WayToServer } from './client-plan.ts';
import { commandError } from './host-errors.ts';
import { HostJournal } from './host-journal.ts';
import type { Command, HostSystem } from './host-system.ts';
import { disableIpv6Path } from './sysctl.ts';

export interface ClientNetworkOptions {
  /** Holds one record per tunnel device. */
  readonly stateDirectory: string;
  /** The device as the operator names it. */
  readonly interfaceName: string;
}

export interface ClientNetworkDependencies {
  readonly log?: Log;
  readonly host?: HostSystem;
}

/** Address, MTU and routes of a client's tunnel, and the way to the server around it. */
export class ClientNetwork {
  private readonly journal: HostJournal;

  constructor(dependencies: ClientNetworkDependencies, options: ClientNetworkOptions) {
    const file = `dial-${options.interfaceName.replaceAll('%', '_')}.json`;
    this.journal = new HostJournal({ ...dependencies, owner: 'dial' }, join(options.stateDirectory, file));
  }

  /**
   * Takes back what a killed dial with this device left. Throws GatewayError HOST_NETWORK when that dial still runs. To be
   * called before the device is made.
   */
  recover(): Promise<void> {
    return this.journal.recover();
  }

  /**
   * Throws GatewayError HOST_NETWORK, or HOST_REFUSED for a cause that does not pass by itself; whatever was done by then
   * is taken back.
   */
  async up(tunnel: ClientTunnel): Promise<void> {
    await this.down();
    // What an earlier `down` could not take back is still in the record, which is about to be written anew.
    await this.journal.recover();
    const way = coversServer(tunnel) ? await this.wayTo(tunnel.server) : undefined;
    const path = disableIpv6Path(tunnel.interfaceName);
    const hasIpv6 = (await this.journal.host.read(path)) !== undefined;
    await this.journal.apply(tunnel.interfaceName, planClient(tunnel, way, hasIpv6 ? path : undefined));
  }

  /** Takes everything back. Throws GatewayError HOST_NETWORK or HOST_REFUSED after trying all of it. */
  async down(): Promise<void> {
    await this.journal.revert();
  }

  private async wayTo(server: Ipv4): Promise<WayToServer> {
    const { host } = this.journal;
    const address = formatIpv4(server);
    const command: Command = { program: 'ip', args: ['-j', '-4', 'route', 'get', address] };
    const got = await host.run(command);
    if (got.missing) throw commandError(command, got, 'dial');
    const way = parseWay(got.stdout);
    if (way === undefined) {
      throw new GatewayError(
        'HOST_NETWORK',
        `The route to the server ${address} cannot be found out (${got.stderr.trim() || 'no answer'}): check "ip route ` +
          `get ${address}", or route less than everything into the tunnel.`,
      );
    }
    if (way.pinned) return way;
    const exact = await host.run({ program: 'ip', args: ['-j', '-4', 'route', 'show', `${address}/32`] });
    return { ...way, pinned: hasRoute(exact.stdout) };
  }
}
