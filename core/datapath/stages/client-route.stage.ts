import { checkIpv4 } from '../../wire/ipv4.ts';
import { checkIpv6 } from '../../wire/ipv6.ts';
import type { PacketBatch } from '../packet-batch.ts';
import type { Session } from '../session.ts';
import { type BatchStep, STAGE_SLOT, type Stage } from '../stage.ts';

const PPP_IPV4 = 0x0021;
const PPP_IPV6 = 0x0057;

/**
 * What stands on a client where the gateway has its source guard and route lookup: everything goes to the one session,
 * and packets of every source come out of it.
 */
export class ClientRouteStage implements Stage {
  readonly name = 'client-route';
  readonly slot = STAGE_SLOT.address;
  readonly inbound: BatchStep = { process: (batch, from) => this.receive(batch, from) };
  readonly outbound: BatchStep = { process: (batch, from) => this.send(batch, from) };
  private session: Session | undefined;

  open(session: Session): void {
    this.session = session;
  }

  close(session: Session): void {
    if (this.session === session) this.session = undefined;
  }

  private receive(batch: PacketBatch, from: number): void {
    for (let at = from; at < batch.count; at += 1) {
      batch.cursor = at;
      const index = batch.order[at] ?? 0;
      const protocol = batch.protocol[index] ?? 0;
      if (protocol !== PPP_IPV4 && protocol !== PPP_IPV6) batch.drop(index, 'unsupported');
      else if (!isUp(batch.session[index], protocol)) batch.drop(index, 'wrong-phase');
      else if (protocolOf(batch, index) !== protocol) batch.drop(index, 'malformed');
    }
  }

  private send(batch: PacketBatch, from: number): void {
    for (let at = from; at < batch.count; at += 1) {
      batch.cursor = at;
      const index = batch.order[at] ?? 0;
      const protocol = protocolOf(batch, index);
      if (protocol === 0) batch.drop(index, 'unsupported');
      else if (!isUp(this.session, protocol)) batch.drop(index, 'no-route');
      else {
        batch.session[index] = this.session;
        batch.protocol[index] = protocol;
      }
    }
  }
}

/** IPCP and IPV6CP open independently. */
const isUp = (session: Session | undefined, protocol: number): boolean =>
  (protocol === PPP_IPV6 ? session?.ipv6 : session?.address) !== undefined;

/** 0: no whole IP packet. */
const protocolOf = (batch: PacketBatch, index: number): number => {
  const at = batch.offset[index] ?? 0;
  const length = batch.length[index] ?? 0;
  if (checkIpv4(batch.slab, at, length) === 'ok') return PPP_IPV4;
  return checkIpv6(batch.slab, at, length) === 'ok' ? PPP_IPV6 : 0;
};
