import type { SessionLookup } from '../../ports/sessions.ts';
import { checkIpv4, ipv4Destination, ipv4Source } from '../../wire/ipv4.ts';
import type { PacketBatch } from '../packet-batch.ts';
import { type BatchStep, STAGE_SLOT, type Stage } from '../stage.ts';

const PPP_IPV4 = 0x0021;

/**
 * Binds inner addresses to sessions. Inbound it is the source guard: a peer speaks only as the address it was given.
 * Outbound it is the route lookup: the destination names the session, and everything after it works per session.
 * TTL and fragments are the kernel's business.
 */
export class AddressStage implements Stage {
  readonly name = 'address';
  readonly slot = STAGE_SLOT.address;
  readonly inbound: BatchStep = { process: (batch, from) => guardSources(batch, from) };
  readonly outbound: BatchStep;

  constructor(sessions: SessionLookup) {
    this.outbound = { process: (batch, from) => route(batch, from, sessions) };
  }
}

const guardSources = (batch: PacketBatch, from: number): void => {
  for (let at = from; at < batch.count; at += 1) {
    batch.cursor = at;
    const index = batch.order[at] ?? 0;
    const offset = batch.offset[index] ?? 0;
    const address = batch.session[index]?.address;
    if (batch.protocol[index] !== PPP_IPV4) batch.drop(index, 'unsupported');
    else if (address === undefined) batch.drop(index, 'wrong-phase');
    else if (checkIpv4(batch.slab, offset, batch.length[index] ?? 0) !== 'ok') batch.drop(index, 'malformed');
    else if (ipv4Source(batch.slab, offset) !== address) batch.drop(index, 'spoofed-source');
  }
};

const route = (batch: PacketBatch, from: number, sessions: SessionLookup): void => {
  for (let at = from; at < batch.count; at += 1) {
    batch.cursor = at;
    const index = batch.order[at] ?? 0;
    const offset = batch.offset[index] ?? 0;
    const length = batch.length[index] ?? 0;
    if (length < 1 || (batch.slab[offset] ?? 0) >> 4 !== 4) {
      batch.drop(index, 'unsupported');
    } else if (checkIpv4(batch.slab, offset, length) !== 'ok') {
      batch.drop(index, 'malformed');
    } else {
      const session = sessions.byAddress(ipv4Destination(batch.slab, offset));
      if (session === undefined) {
        batch.drop(index, 'no-route');
      } else {
        batch.session[index] = session;
        batch.protocol[index] = PPP_IPV4;
      }
    }
  }
};
