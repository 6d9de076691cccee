import { earliest, type Instant } from '../time.ts';
import { type ReorderOptions, ReorderQueue } from './reorder-queue.ts';
import { defineSlot } from './slots.ts';

export interface GreChannelOptions extends ReorderOptions {
  /** Longest time an acknowledgment waits for data to ride on, in ms (RFC 2637 section 4.3 leaves it open; 100 here). */
  readonly ackDelayMs: number;
}

/** One call's GRE: our sequence numbers, the peer's, and what we owe it as acknowledgment (RFC 2637 section 4). */
export class GreChannel {
  readonly queue: ReorderQueue;
  /** Packets and octets of payload received and sent, for the log line at the end of a session. */
  received = 0;
  receivedOctets = 0;
  sent = 0;
  sentOctets = 0;
  lastReceived: Instant | undefined;
  /** Highest acknowledgment from the peer; -1 before the first. */
  peerAcknowledged = -1;
  private readonly ackDelayMs: number;
  private nextSequence = 0;
  private acknowledged = -1;
  private ackDue: Instant | undefined;

  constructor(options: GreChannelOptions) {
    this.queue = new ReorderQueue(options);
    this.ackDelayMs = options.ackDelayMs;
  }

  /** A data packet arrived. True when this starts the acknowledgment timer. */
  noteReceived(octets: number, now: Instant): boolean {
    this.received += 1;
    this.receivedOctets += octets;
    this.lastReceived = now;
    if (this.ackDue !== undefined || this.queue.highest === this.acknowledged) return false;
    this.ackDue = (now + this.ackDelayMs) as Instant;
    return true;
  }

  noteAcknowledgment(sequence: number): void {
    if (this.peerAcknowledged < 0 || ((sequence - this.peerAcknowledged) | 0) > 0) this.peerAcknowledged = sequence;
  }

  /** The sequence number of the next data packet: from 0, 32 bits, wrapping. */
  takeSequence(octets: number): number {
    const sequence = this.nextSequence;
    this.nextSequence = (sequence + 1) >>> 0;
    this.sent += 1;
    this.sentOctets += octets;
    return sequence;
  }

  /** The acknowledgment number to send now, or -1 when nothing new was received. */
  takeAcknowledgment(): number {
    const highest = this.queue.highest;
    this.ackDue = undefined;
    if (highest === this.acknowledged) return -1;
    this.acknowledged = highest;
    return highest;
  }

  /** True, once, when an acknowledgment has waited long enough for data to ride on: send it alone. */
  takeDueAck(now: Instant): boolean {
    if (this.ackDue === undefined || now < this.ackDue) return false;
    this.ackDue = undefined;
    return true;
  }

  nextTimeout(): Instant | undefined {
    return earliest(this.ackDue, this.queue.nextTimeout());
  }
}

export const GRE_CHANNEL = defineSlot<GreChannel>('gre');
