import { concatBytes, writeU16 } from '../../core/bytes/bytes.ts';
import type { Ipv4 } from '../../core/bytes/ipv4-address.ts';
import { writeIpv4Checksum, writeIpv4Header } from '../../core/wire/ipv4.ts';

export interface Ipv4Fields {
  readonly source: Ipv4;
  readonly destination: Ipv4;
  /** 253 is for experiments (RFC 3692): no kernel answers it. */
  readonly protocol?: number;
  readonly payload?: Uint8Array;
  readonly identification?: number;
}

/** A whole packet with a right header checksum. */
export const ipv4Packet = (fields: Ipv4Fields): Uint8Array => {
  const payload = fields.payload ?? new Uint8Array(0);
  const header = new Uint8Array(20);
  writeIpv4Header(header, 0, {
    totalLength: 20 + payload.length,
    protocol: fields.protocol ?? 253,
    source: fields.source,
    destination: fields.destination,
  });
  writeU16(header, 4, fields.identification ?? 1);
  writeIpv4Checksum(header, 0);
  return concatBytes(header, payload);
};
