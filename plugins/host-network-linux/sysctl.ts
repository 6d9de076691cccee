/** A file below /proc/sys/net. */
export type SysctlPath = `/proc/sys/net/${string}`;

export const ipv4ForwardPath: SysctlPath = '/proc/sys/net/ipv4/ip_forward';
export const proxyArpPath = (device: string): SysctlPath => `/proc/sys/net/ipv4/conf/${device}/proxy_arp`;
export const disableIpv6Path = (device: string): SysctlPath => `/proc/sys/net/ipv6/conf/${device}/disable_ipv6`;

/** No dots: a path that was read back from elsewhere must not leave /proc/sys/net. Interface names may hold single ones. */
const SHAPE = /^\/proc\/sys\/net\/[A-Za-z0-9_.\-/]+$/;

export const isSysctlPath = (text: string): text is SysctlPath => SHAPE.test(text) && !text.includes('..');
