import type { Ipv4 } from '../../core/bytes/ipv4-address.ts';
import { type Bits64, formatPrefix64 } from '../../core/bytes/ipv6-address.ts';
import type { ShapeControl } from '../../core/datapath/shape-control.ts';
import type { UserProfile } from '../../core/ports/profile.ts';
import { IPV6_LEAST_MTU } from '../../core/wire/ipv6.ts';
import type { InnerNetworks } from './inner-networks.ts';

/** What profiles are put into force with. */
export interface ProfileServices {
  /** Rates, filters, quotas. */
  readonly shapes: ShapeControl;
  readonly networks: InnerNetworks;
  /** Tunnels carry IPv6. */
  readonly ipv6: boolean;
  /** Octets around an inner packet within the peer's MRU. */
  readonly overhead: number;
  /** User data may go unencrypted where a profile does not require more. */
  readonly clearAllowed: boolean;
}

/** RFC 791 section 3.2: every host takes packets of so many octets. */
const LEAST_MTU = 68;
const MOST_SERVERS = 2;

/** Whether every packet that IPv6 has to get through does (RFC 8200 section 5). */
export const fitsIpv6 = ({ mtu }: UserProfile): boolean => mtu === undefined || mtu >= IPV6_LEAST_MTU;

/** Global unicast, or unique local (RFC 4291 section 2.4, RFC 4193): what else there is is nobody's own. */
const isRoutable = ({ high }: Bits64): boolean => high >>> 29 === 0b001 || high >>> 25 === 0xfc >>> 1;

/**
 * Why this gateway cannot do what a profile asks for, for the peer with this outer address, as a sentence; undefined when
 * it can.
 */
export const profileRefusal = (profile: UserProfile, services: ProfileServices, peer: Ipv4): string | undefined => {
  const { routes, ipv6Prefix, mtu, dns, wins } = profile;
  if (ipv6Prefix !== undefined && !services.ipv6) return 'the profile has an IPv6 prefix, and PPTP_IPV6_POOL is off';
  if (ipv6Prefix !== undefined && !isRoutable(ipv6Prefix)) {
    return `the profile has the IPv6 prefix ${formatPrefix64(ipv6Prefix)}, which cannot be routed`;
  }
  if (ipv6Prefix !== undefined && !fitsIpv6(profile)) {
    return `the profile has an IPv6 prefix and an MTU of ${mtu}, and ${IPV6_LEAST_MTU} is the least for IPv6`;
  }
  if (mtu !== undefined && mtu < LEAST_MTU) return `the profile has an MTU of ${mtu}, and ${LEAST_MTU} is the least`;
  if ([dns, wins].some((servers) => servers !== undefined && servers.length > MOST_SERVERS)) {
    return `the profile has more than ${MOST_SERVERS} name servers of one kind, and IPCP gives no more`;
  }
  return services.shapes.refusal(profile) ?? services.networks.refusal(routes ?? [], peer);
};
