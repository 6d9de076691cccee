import type { Ipv4 } from '../../core/bytes/ipv4-address.ts';
import type { PacketBatch } from '../../core/datapath/packet-batch.ts';
import type { Session } from '../../core/datapath/session.ts';
import { pppStage } from '../../core/datapath/stages/ppp.stage.ts';
import type { DropReason } from '../../core/outcome.ts';
import type { SecurityAssociation } from '../../core/ports/security-associations.ts';
import { AssociationTable } from '../../plugins/ipsec-esp/association-table.ts';
import { CountedIvs } from '../../plugins/ipsec-esp/counted-ivs.ts';
import { IpsecEspHook } from '../../plugins/ipsec-esp/hook.ts';
import { randomIvs } from '../../plugins/ipsec-esp/transforms.ts';
import { address, batchOf, livePackets, openSession, run, silentTelemetry } from './batches.ts';
import { ManualClock } from './manual-clock.ts';
import { MemoryLog } from './memory-log.ts';

export const ESP_CLIENT = address('10.99.0.2');
export const ESP_HOST = address('10.0.0.80');
export const ESP_GATEWAY = address('10.99.0.1');

export interface Passed {
  readonly packets: readonly Uint8Array[];
  readonly drops: Partial<Record<DropReason, number>>;
}

/** The hook of `ipsec-esp` alone, with one session of alice, and no gateway round it. */
export class EspRig {
  readonly clock = new ManualClock();
  readonly log = new MemoryLog();
  readonly table: AssociationTable;
  readonly hook: IpsecEspHook;
  readonly session: Session;
  /** ICMP packets for the intranet. */
  readonly answers: Uint8Array[] = [];
  /** Fragments that were kept in vain. */
  readonly lost: string[] = [];

  constructor(associations: readonly SecurityAssociation[] = [], mtu = 1396) {
    const telemetry = {
      ...silentTelemetry,
      dropped: (_stage: string, direction: string, reason: DropReason, count: number) =>
        void this.lost.push(`${direction} ${reason} ${count}`),
    };
    const ivs = { counted: new CountedIvs(0, Date.UTC(2030, 0)), random: randomIvs() };
    this.table = new AssociationTable({ clock: this.clock, log: this.log, telemetry, ivs });
    this.hook = new IpsecEspHook({
      table: this.table,
      telemetry,
      mtu,
      gatewayAddress: ESP_GATEWAY,
      answers: { put: (_session, _protocol, bytes) => void this.answers.push(bytes.slice()) },
    });
    this.session = this.openFor('alice', ESP_CLIENT);
    for (const one of associations) {
      const refusal = this.table.add(one);
      if (refusal !== undefined) throw new Error(refusal);
    }
  }

  openFor(identity: string, own: Ipv4): Session {
    const session = openSession([pppStage({ frame: () => undefined })]);
    session.identity = identity;
    session.address = own;
    return session;
  }

  inbound(...packets: readonly Uint8Array[]): Passed {
    const batch = this.batch(packets);
    const drops = run(this.hook.inbound, batch, 'in');
    return { packets: livePackets(batch), drops };
  }

  outbound(...packets: readonly Uint8Array[]): Passed {
    const batch = this.batch(packets);
    const drops = run(this.hook.outbound, batch, 'out');
    return { packets: livePackets(batch), drops };
  }

  private batch(packets: readonly Uint8Array[]): PacketBatch {
    return batchOf(packets, { session: this.session, protocol: 0x0021, now: this.clock.now(), capacity: 256 });
  }
}
