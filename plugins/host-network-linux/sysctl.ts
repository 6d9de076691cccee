/** A file below /proc/sys/net. */
export type SysctlPath = `/proc/sys/net/${string}`;

export const ipv4ForwardPath: SysctlPath = '/proc/sys/net/ipv4/ip_forward';
export const proxyArpPath = (device: string): SysctlPath => `/proc/sys/net/ipv4/conf/${device}/proxy_arp`;
export const disableIpv6Path = (device: string): SysctlPath => `/proc/sys/net/ipv6/conf/${device}/disable_ipv6`;

export const acceptRaPath = (device: string): SysctlPath => `/proc/sys/net/ipv6/conf/${device}/accept_ra`;
export const addressModePath = (device: string): SysctlPath => `/proc/sys/net/ipv6/conf/${device}/addr_gen_mode`;
export const ipv6ForwardPath: SysctlPath = '/proc/sys/net/ipv6/conf/all/forwarding';

/** No dots: a path that was read back from elsewhere must not leave /proc/sys/net. Interface names may hold single ones. */
const SHAPE = /^\/proc\/sys\/net\/[A-Za-z0-9_.\-/]+$/;

export const isSysctlPath = (text: string): text is SysctlPath => SHAPE.test(text) && !text.includes('..');

/** Names in the output of `ip -j link show` that can be part of a path. */
export const interfaceNames = (json: string): readonly string[] => {
  try {
    const links: unknown = JSON.parse(json);
    if (!Array.isArray(links)) return [];
    return links
      .map((link: unknown): unknown => (typeof link === 'object' && link !== null ? Reflect.get(link, 'ifname') : ''))
      .filter((name): name is string => typeof name === 'string' && /^[^/\s]+$/.test(name))
      .filter((name) => isSysctlPath(acceptRaPath(name)));
  } catch {
    return [];
  }
};
