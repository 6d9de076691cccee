import type { ShapeControl } from '../../core/datapath/shape-control.ts';
import type { UserProfile } from '../../core/ports/profile.ts';
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

/** Why this gateway cannot do what a profile asks for, as a sentence; undefined when it can. */
export const profileRefusal = (profile: UserProfile, services: ProfileServices): string | undefined => {
  const { routes, ipv6Prefix, mtu, dns, wins } = profile;
  if (ipv6Prefix !== undefined && !services.ipv6) return 'the profile has an IPv6 prefix, and PPTP_IPV6_POOL is off';
  if (mtu !== undefined && mtu < LEAST_MTU) return `the profile has an MTU of ${mtu}, and ${LEAST_MTU} is the least`;
  if ([dns, wins].some((servers) => servers !== undefined && servers.length > MOST_SERVERS)) {
    return `the profile has more than ${MOST_SERVERS} name servers of one kind, and IPCP gives no more`;
  }
  return services.shapes.refusal(profile) ?? services.networks.refusal(routes ?? []);
};
