import type { Observable } from 'rxjs';
import type { Wakeups } from '../../ports/sessions.ts';
import type { Instant } from '../../time.ts';
import { GRE_CHANNEL } from '../gre-channel.ts';
import type { PacketBatch } from '../packet-batch.ts';
import type { Session } from '../session.ts';
import type { BatchStep, Stage } from '../stage.ts';

/** Right before GRE encode, behind everything that makes packets: whatever passes here gets the next number. */
const WINDOW_SLOT = 110;

/**
 * Keeps what is sent within the peer's window (RFC 2637 section 4.2). Packets that find it closed wait in the session and
 * are released by the driver (`releaseDue`) when an acknowledgment or a time-out opens it; beyond the queue they are
 * dropped. A lone acknowledgment is no data and always passes.
 */
export class GreWindowStage implements Stage {
  readonly name = 'gre-window';
  readonly slot = WINDOW_SLOT;
  readonly outbound: BatchStep;
  private readonly wakeups: Wakeups;

  constructor(wakeups: Wakeups, released$: Observable<PacketBatch>) {
    this.wakeups = wakeups;
    this.outbound = { released$, process: (batch, from) => this.process(batch, from) };
  }

  /** Appends what may go now, a time-out that is due included. False: the batch is full and more is waiting. */
  releaseDue(session: Session, now: Instant, into: PacketBatch): boolean {
    const transmit = session.get(GRE_CHANNEL)?.transmit;
    if (transmit === undefined) return true;
    const { window, waiting } = transmit;
    window.expire(now);
    while (waiting.length > 0 && window.isOpen) {
      if (into.free === 0) return false;
      const packet = waiting.take();
      const index = packet === undefined ? -1 : into.append(packet.bytes);
      if (packet === undefined || index < 0) continue;
      into.session[index] = session;
      into.protocol[index] = packet.protocol;
      window.sent(now);
    }
    transmit.openSince = undefined;
    return true;
  }

  private process(batch: PacketBatch, from: number): void {
    for (let at = from; at < batch.count; at += 1) {
      batch.cursor = at;
      const index = batch.order[at] ?? 0;
      const session = batch.session[index];
      const transmit = session?.get(GRE_CHANNEL)?.transmit;
      if (session === undefined || transmit === undefined || batch.length[index] === 0) continue;
      const { window, waiting } = transmit;
      if (waiting.length === 0 && window.isOpen) {
        window.sent(batch.now);
        const due = window.inFlight === 1 ? window.nextTimeout() : undefined;
        if (due !== undefined) this.wakeups.wake(session, due);
      } else if (waiting.put(batch.protocol[index] ?? 0, batch.view(index))) {
        batch.hold(index);
      } else {
        transmit.dropped += 1;
        batch.drop(index, 'queue-full');
      }
    }
  }
}
