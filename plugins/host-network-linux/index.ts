export { ClientNetwork, type ClientNetworkDependencies, type ClientNetworkOptions } from './client-network.ts';
export type { ClientTunnel } from './client-plan.ts';
export { HostNetwork, type HostNetworkDependencies, type HostNetworkOptions } from './host-network.ts';
export type { HostNetworkConfig, Nat, Network } from './host-network-config.ts';
export { type HostSystem, linuxHost } from './host-system.ts';
export { hostNetworkPlugin } from './plugin.ts';
export { recoverHostNetworks } from './recover-others.ts';
