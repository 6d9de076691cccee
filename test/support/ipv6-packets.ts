import { concatBytes } from '../../core/bytes/bytes.ts';
import { type Ipv6, parseIpv6 } from '../../core/bytes/ipv6-address.ts';
import { ICMPV6, icmpv6Packet } from '../../core/wire/icmpv6.ts';
import { IPV6_HEADER_LENGTH, writeIpv6Header } from '../../core/wire/ipv6.ts';

export const address6 = (text: string): Ipv6 => {
  const parsed = parseIpv6(text);
  if (parsed === undefined) throw new Error(`bad address in a test: ${text}`);
  return parsed;
};

/** A whole packet; 253 is for experiments (RFC 3692). */
export const ipv6Packet = (fields: {
  readonly source: Ipv6;
  readonly destination: Ipv6;
  readonly nextHeader?: number;
  readonly payload?: Uint8Array;
}): Uint8Array => {
  const { source, destination, payload = new Uint8Array(0), nextHeader = 253 } = fields;
  const header = new Uint8Array(IPV6_HEADER_LENGTH);
  writeIpv6Header(header, 0, { payloadLength: payload.length, nextHeader, hopLimit: 64, source, destination });
  return concatBytes(header, payload);
};

export const echoRequest6 = (source: Ipv6, destination: Ipv6, data: Uint8Array): Uint8Array =>
  icmpv6Packet({
    source,
    destination,
    hopLimit: 64,
    type: ICMPV6.echoRequest,
    code: 0,
    body: concatBytes(Uint8Array.of(0, 7, 0, 1), data),
  });

export const routerSolicitation = (source: Ipv6, hopLimit = 255): Uint8Array =>
  icmpv6Packet({
    source,
    destination: address6('ff02::2'),
    hopLimit,
    type: ICMPV6.routerSolicitation,
    code: 0,
    body: new Uint8Array(4),
  });
