import { type Ipv4, ipv4, perPacket, STAGE_SLOT, type Stage } from 'pptp-gateway/core';

const IPV4 = 4;

/** Where an IPv4 packet goes; undefined for all others. Any octets may come. */
const destinationOf = (packet: Uint8Array): Ipv4 | undefined => {
  if ((packet[0] ?? 0) >> 4 !== IPV4 || packet.length < 20) return undefined;
  const [a = 0, b = 0, c = 0, d = 0] = packet.subarray(16, 20);
  return ipv4(a * 2 ** 24 + (b << 16) + (c << 8) + d);
};

/**
 * No keys come of a token, so these tunnels are not encrypted: their users reach only hosts whose own protocols are. All other
 * sessions pass untouched.
 */
export const onlyTo = (hosts: readonly Ipv4[], isTokenUser: (identity: string) => boolean): Stage => {
  const allowed: ReadonlySet<number> = new Set(hosts);
  return {
    name: 'token-hosts',
    slot: STAGE_SLOT.address - 5,
    inbound: perPacket(({ bytes, session }) => {
      const identity = session?.identity;
      if (identity === undefined || !isTokenUser(identity)) return undefined;
      const destination = destinationOf(bytes);
      return destination !== undefined && allowed.has(destination) ? undefined : 'policy';
    }),
  };
};
