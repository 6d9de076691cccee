import { Subject } from 'rxjs';
import type { PacketBatch } from '../../core/datapath/packet-batch.ts';
import type { Session } from '../../core/datapath/session.ts';
import type { TrafficEvents } from '../../core/datapath/shape.ts';
import type { MppeEvents } from '../../core/datapath/stages/mppe.stage.ts';
import type { ControlFrames, Wakeups } from '../../core/ports/sessions.ts';
import type { Outbox } from './outbox.ts';

/** What stages tell the driver. */
export type StageEvents = Wakeups & ControlFrames & MppeEvents & TrafficEvents;

/** Where stages reach the driver, and where the driver's own packets enter the pipeline. */
export class DriverHub implements StageEvents {
  readonly control: Outbox;
  readonly acks: Outbox;
  readonly released = new Subject<PacketBatch>();
  /** Packets that waited for the peer's window. */
  readonly sent = new Subject<PacketBatch>();
  private target: StageEvents | undefined;

  constructor(control: Outbox, acks: Outbox) {
    this.control = control;
    this.acks = acks;
  }

  attach(target: StageEvents): void {
    this.target = target;
  }

  wake(session: Session, at: number): void {
    this.target?.wake(session, at);
  }

  frame(session: Session, protocol: number, bytes: Uint8Array): void {
    this.target?.frame(session, protocol, bytes);
  }

  onGarbage(session: Session, consecutive: number): void {
    this.target?.onGarbage(session, consecutive);
  }

  onResetNeeded(session: Session): void {
    this.target?.onResetNeeded(session);
  }

  onQuotaReached(session: Session): void {
    this.target?.onQuotaReached(session);
  }
}
