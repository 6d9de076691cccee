import type { Ipv4 } from '../../core/bytes/ipv4-address.ts';
import type { SessionView } from '../../core/datapath/session.ts';
import type { DropReason } from '../../core/outcome.ts';
import type { IpsecHook } from '../../core/ports/ipsec-hook.ts';
import type { OwnPackets } from '../../core/ports/own-packets.ts';
import type { SessionEnding, SessionFacts, SessionUsage } from '../../core/ports/session-facts.ts';
import type { Telemetry } from '../../core/ports/telemetry.ts';
import type { AssociationTable } from './association-table.ts';
import { EspInbound } from './inbound.ts';
import { EspOutbound } from './outbound.ts';

export interface EspHookDeps {
  readonly table: AssociationTable;
  readonly telemetry: Telemetry;
  readonly mtu: number;
  readonly gatewayAddress: Ipv4;
  readonly answers: OwnPackets;
}

const NAME = 'ipsec-esp';

/** ESP ends here for hosts behind the gateway that do none themselves (RFC 4303). */
export class IpsecEspHook implements IpsecHook {
  readonly name = NAME;
  readonly inbound: EspInbound;
  readonly outbound: EspOutbound;
  private readonly table: AssociationTable;

  constructor({ table, telemetry, mtu, gatewayAddress, answers }: EspHookDeps) {
    this.table = table;
    const lost = (direction: 'in' | 'out') => (reason: DropReason, count: number) =>
      telemetry.dropped(NAME, direction, reason, count);
    this.inbound = new EspInbound(table, mtu, lost('in'));
    this.outbound = new EspOutbound({ table, mtu, address: gatewayAddress, answers, lost: lost('out') });
  }

  /** What a session has it has by the table. */
  restored(): void {
    // It is looked up with the first packet.
  }

  down(_facts: SessionFacts, _ending: SessionEnding, _usage: SessionUsage, session: SessionView): void {
    this.table.forget(session);
    this.inbound.forget(session);
    this.outbound.forget(session);
  }
}
