import type { Schema } from 'convict';
import {
  auto,
  either,
  integer,
  interfaceName,
  ipv4Address,
  ipv4Network,
  ipv6Address,
  ipv6Network,
  list,
  namedNetwork,
  oneOf,
  toggle,
  tunName,
} from './formats.ts';
import { key } from './key.ts';
import type { RawConfig } from './types.ts';

/** Keys of the inside of the tunnels: addresses, device and the network of the host. */
export const networkKeys = {
  pool: {
    range: key(ipv4Network(8, 30), {
      env: 'PPTP_POOL',
      flag: '--pool',
      default: '10.99.0.0/24',
      doc: 'Addresses for clients: all of the network but its first, its last and the address of the gateway.',
    }),
    named: key(list(namedNetwork(8, 30), 'named pools'), {
      env: 'PPTP_POOLS',
      default: [],
      doc: 'Further pools by name, for users whose profile names one: all addresses of the network but its first and its last.',
    }),
    gatewayAddress: key(either(ipv4Address, auto), {
      env: 'PPTP_GATEWAY_ADDRESS',
      default: 'auto',
      doc: 'Address of the gateway inside the tunnels, part of the pool; `auto` is its first host address.',
    }),
    dns: key(list(ipv4Address, 'DNS servers', 2), {
      env: 'PPTP_DNS',
      reload: true,
      default: [],
      doc: 'DNS servers given to clients, primary first.',
    }),
    wins: key(list(ipv4Address, 'WINS servers', 2), {
      env: 'PPTP_WINS',
      reload: true,
      default: [],
      doc: 'NetBIOS name servers given to clients, primary first.',
    }),
    ipv6: key(either(ipv6Network(32, 63), oneOf('off')), {
      env: 'PPTP_IPV6_POOL',
      default: 'off',
      doc: 'IPv6 prefixes for clients, a /64 each; the gateway is in the first one. `off` is no IPv6 in the tunnels.',
    }),
    ipv6Dns: key(list(ipv6Address, 'DNS servers', 3), {
      env: 'PPTP_IPV6_DNS',
      default: [],
      doc: 'DNS servers in router advertisements.',
    }),
  },
  tun: {
    name: key(tunName, {
      env: 'PPTP_TUN_NAME',
      default: 'pptp%d',
      doc: 'Name of the tunnel device; `%d` becomes the first free number.',
    }),
    mtu: key(either(integer(500, 1500, 'octets'), auto), {
      env: 'PPTP_TUN_MTU',
      default: 'auto',
      doc: 'MTU of the tunnel device; `auto` is `ppp.mru`, less 4 octets when MPPE is possible.',
    }),
    offloads: key(oneOf('auto', 'off'), {
      env: 'PPTP_TUN_OFFLOADS',
      default: 'auto',
      doc: 'Exchange large TCP and UDP packets with the kernel and cut or join them in the gateway, which is quicker; `auto` does it as far as the kernel can (the log line tun.open says how far, and why not further).',
    }),
  },
  network: {
    manage: key(toggle, {
      env: 'PPTP_NETWORK_MANAGE',
      default: true,
      doc: 'Let the gateway set addresses, routes, forwarding and packet filter rules, and remove them again.',
    }),
    nat: key(oneOf('auto', 'on', 'off'), {
      env: 'PPTP_NAT',
      default: 'auto',
      doc: 'Masquerade clients towards the intranet; `auto` does it unless `network.proxyArp` is used.',
    }),
    natInterfaces: key(list(interfaceName, 'interfaces', 16), {
      env: 'PPTP_NAT_INTERFACES',
      default: [],
      doc: 'Interfaces to masquerade on; empty is the intranet interface.',
    }),
    intranetInterface: key(either(interfaceName, auto), {
      env: 'PPTP_INTRANET_INTERFACE',
      default: 'auto',
      doc: 'Interface towards the intranet; `auto` is the one of the default route.',
    }),
    proxyArp: key(list(interfaceName, 'interfaces', 16), {
      env: 'PPTP_PROXY_ARP',
      default: [],
      doc: 'Interfaces on which the gateway answers ARP for client addresses.',
    }),
    routes: key(list(ipv4Network(1, 32), 'networks', 256), {
      env: 'PPTP_ROUTES',
      default: [],
      doc: 'Networks routed into the tunnel device besides the pool.',
    }),
    mssClamp: key(toggle, {
      env: 'PPTP_MSS_CLAMP',
      default: true,
      doc: 'Lower the MSS of TCP connections through the tunnels to what fits.',
    }),
  },
} satisfies Schema<Pick<RawConfig, 'pool' | 'tun' | 'network'>>;
