import { ZERO_BITS64 } from '../../../core/bytes/ipv6-address.ts';
import type { SessionFacts } from '../../../core/ports/session-facts.ts';
import { ATTRIBUTE, type Attribute, attribute, octets } from '../wire/index.ts';
import { ACCT_AUTHENTIC } from './acct-attributes.ts';

/** MS-Acct-Auth-Type (RFC 2548 section 2.7.3). */
const MICROSOFT_TYPES: ReadonlyMap<string, number> = new Map([
  ['pap', 1],
  ['chap-md5', 2],
  ['ms-chap-v1', 3],
  ['ms-chap-v2', 4],
  ['eap', 5],
]);

/** What accounting says of a session besides what every request says of it: who it is, and what it was given. */
export const factAttributes = (facts: SessionFacts, byRadius: boolean): readonly Attribute[] => {
  const { identity, address, ipv6Prefix, profile, method, encryption, traceId } = facts;
  const type = MICROSOFT_TYPES.get(method);
  return [
    attribute(ATTRIBUTE.userName, identity),
    attribute(ATTRIBUTE.acctMultiSessionId, traceId),
    attribute(ATTRIBUTE.acctAuthentic, byRadius ? ACCT_AUTHENTIC.radius : ACCT_AUTHENTIC.local),
    ...(address === undefined ? [] : [attribute(ATTRIBUTE.framedIpAddress, address)]),
    ...(ipv6Prefix === undefined
      ? []
      : [
          attribute(ATTRIBUTE.framedIpv6Prefix, {
            prefix: { prefix: ipv6Prefix, interfaceId: ZERO_BITS64 },
            prefixLength: 64,
          }),
        ]),
    ...(profile.filter === undefined ? [] : [attribute(ATTRIBUTE.filterId, profile.filter)]),
    ...(profile.classes ?? []).map((one) => octets(ATTRIBUTE.class, one)),
    ...(type === undefined ? [] : [attribute(ATTRIBUTE.msAcctAuthType, type)]),
    attribute(ATTRIBUTE.acctTunnelConnection, `${facts.call.localCallId}/${facts.call.peerCallId}`),
    attribute(ATTRIBUTE.connectInfo, encryption === 'none' ? 'PPTP' : `PPTP ${encryption}`),
  ];
};
