import { GRE_CHANNEL, type GreChannel } from '../../core/datapath/gre-channel.ts';
import { PacketBatch } from '../../core/datapath/packet-batch.ts';
import { GreWindowStage } from '../../core/datapath/stages/gre-window.stage.ts';
import type { Instant } from '../../core/time.ts';
import type { DriverDeps } from './driver-deps.ts';
import type { Tunnel } from './tunnel.ts';
import { reportErrors } from './wan-errors.ts';

/** A packet of the acknowledgment entrance: GRE encode makes it a lone acknowledgment. */
const NOTHING = new Uint8Array(0);

/**
 * What passes only because time did: packets behind a gap that nobody waits for any longer, packets that the peer's
 * window lets go, and acknowledgments that found no packet to ride on.
 */
export class DuePackets {
  private readonly deps: Pick<DriverDeps, 'hub' | 'sequence' | 'control'>;
  private readonly window: GreWindowStage | undefined;
  private readonly releasing = new PacketBatch(128);
  private readonly sending = new PacketBatch(128);

  constructor(deps: Pick<DriverDeps, 'hub' | 'sequence' | 'control' | 'stages'>) {
    this.deps = deps;
    this.window = deps.stages.find((stage) => stage instanceof GreWindowStage);
  }

  /** Takes what is due of this tunnel; `flush` lets it go, when all tunnels have been served. */
  take(tunnel: Tunnel, now: Instant): void {
    const { session } = tunnel;
    const { hub, sequence, control } = this.deps;
    const channel = session.get(GRE_CHANNEL);
    if (channel === undefined) return;
    while (!sequence.releaseDue(session, now, this.releasing)) this.flushReleased(now);
    this.takeWindow(tunnel, channel, now);
    if (channel.queue.lost !== tunnel.lostReported) reportErrors(control, tunnel);
    // One that finds no room stays due: the outbox is empty when the timer fires again.
    if (!hub.acks.isFull && channel.takeDueAck(now)) hub.acks.put(session, 0, NOTHING);
  }

  flush(now: Instant): void {
    this.flushReleased(now);
    this.flushSending(now);
  }

  /** What waits for the peer's window and may go now. */
  private takeWindow(tunnel: Tunnel, channel: GreChannel, now: Instant): void {
    const { window } = this;
    if (window === undefined || channel.transmit === undefined) return;
    const { timeOuts } = channel.transmit.window;
    while (!window.releaseDue(tunnel.session, now, this.sending)) this.flushSending(now);
    if (channel.transmit.window.timeOuts !== timeOuts) tunnel.lines.windowTimedOut(channel.snapshot());
  }

  private flushReleased(now: Instant): void {
    if (this.releasing.count === 0) return;
    this.releasing.now = now;
    this.deps.hub.released.next(this.releasing);
    this.releasing.clear();
  }

  private flushSending(now: Instant): void {
    if (this.sending.count === 0) return;
    this.sending.now = now;
    this.deps.hub.sent.next(this.sending);
    this.sending.clear();
  }
}
