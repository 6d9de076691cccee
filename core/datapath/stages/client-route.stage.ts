import { checkIpv4 } from '../../wire/ipv4.ts';
import type { PacketBatch } from '../packet-batch.ts';
import type { Session } from '../session.ts';
import { type BatchStep, STAGE_SLOT, type Stage } from '../stage.ts';

const PPP_IPV4 = 0x0021;

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
      if (batch.protocol[index] !== PPP_IPV4) batch.drop(index, 'unsupported');
      else if (batch.session[index]?.address === undefined) batch.drop(index, 'wrong-phase');
      else if (!isIpv4(batch, index)) batch.drop(index, 'malformed');
    }
  }

  private send(batch: PacketBatch, from: number): void {
    for (let at = from; at < batch.count; at += 1) {
      batch.cursor = at;
      const index = batch.order[at] ?? 0;
      if (!isIpv4(batch, index)) batch.drop(index, 'unsupported');
      else if (this.session?.address === undefined) batch.drop(index, 'no-route');
      else {
        batch.session[index] = this.session;
        batch.protocol[index] = PPP_IPV4;
      }
    }
  }
}

const isIpv4 = (batch: PacketBatch, index: number): boolean =>
  checkIpv4(batch.slab, batch.offset[index] ?? 0, batch.length[index] ?? 0) === 'ok';
