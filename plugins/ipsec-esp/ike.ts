import { readU16 } from '../../core/bytes/bytes.ts';
import { PassedDatagrams } from '../../core/datapath/passed-datagrams.ts';
import type { Session } from '../../core/datapath/session.ts';
import type { Instant } from '../../core/time.ts';
import {
  ipv4Destination,
  ipv4HeaderLength,
  ipv4Protocol,
  ipv4Source,
  ipv4TotalLength,
  isIpv4Fragment,
} from '../../core/wire/ipv4.ts';
import type { SessionAssociations } from './association-table.ts';

const UDP = 17;
const FRAGMENT_OFFSET = 0x1fff;
const PORT_IKE = 500;
const PORT_NAT_TRAVERSAL = 4500;

/**
 * IKE that the peer and a host speak with each other, in one direction: between the two ends of the ESP, the port at the
 * host's end says so. Later fragments show no port; they pass behind a first one that did.
 */
export class IkeBypass {
  private readonly hostEnd: 'source' | 'destination';
  private readonly begun = new WeakMap<Session, PassedDatagrams>();

  constructor(hostEnd: 'source' | 'destination') {
    this.hostEnd = hostEnd;
  }

  /** To be asked once for each packet, in their order. */
  passes(b: Uint8Array, at: number, session: Session, own: SessionAssociations, now: Instant): boolean {
    if (ipv4Protocol(b, at) !== UDP) return false;
    const isFromHost = this.hostEnd === 'source';
    const source = ipv4Source(b, at);
    const destination = ipv4Destination(b, at);
    if (!own.ends.has(isFromHost ? source : destination)) return false;
    if ((isFromHost ? destination : source) !== own.address) return false;
    const key = isIpv4Fragment(b, at) ? `${source} ${destination} ${readU16(b, at + 4)}` : undefined;
    if ((readU16(b, at + 6) & FRAGMENT_OFFSET) !== 0) {
      return key !== undefined && this.begun.get(session)?.has(key, now) === true;
    }
    const udp = at + ipv4HeaderLength(b, at);
    if (udp + 4 > at + ipv4TotalLength(b, at)) return false;
    const port = readU16(b, isFromHost ? udp : udp + 2);
    if (port !== PORT_IKE && port !== PORT_NAT_TRAVERSAL) return false;
    if (key !== undefined) this.note(session, key, now);
    return true;
  }

  private note(session: Session, key: string, now: Instant): void {
    let begun = this.begun.get(session);
    if (begun === undefined) {
      begun = new PassedDatagrams();
      this.begun.set(session, begun);
    }
    begun.note(key, now);
  }
}
