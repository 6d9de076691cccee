import type { ServiceIdentifier } from 'inversify';
import { definePlugin, PLUGIN_API } from '../../core/ports/plugin.ts';
import { TOKENS } from '../../core/tokens.ts';
import { HostNetwork, type HostNetworkOptions } from './host-network.ts';

const NETWORK = Symbol('HostNetwork') as ServiceIdentifier<HostNetwork>;

/** Binds the set-up of the host: address, routes, NAT, proxy ARP and forwarding around the TUN device. */
export const hostNetworkPlugin = definePlugin<HostNetworkOptions>({
  name: 'host-network-linux',
  api: PLUGIN_API,
  register({ bind }, options) {
    bind(NETWORK).toResolvedValue((tun, log) => new HostNetwork({ tun, log }, options), [TOKENS.Tun, TOKENS.Log]);
    bind(TOKENS.Lifecycle).toResolvedValue((network) => network, [NETWORK]);
    bind(TOKENS.HostRoutes).toResolvedValue((network) => network, [NETWORK]);
  },
});
