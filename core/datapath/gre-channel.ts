import { earliest, type Instant, instant } from '../time.ts';
import { GreWindow, type GreWindowOptions, type GreWindowSnapshot, type PeerWindow } from './gre-window.ts';
import type { GreChannelSnapshot } from './path-snapshot.ts';
import { type ReorderOptions, ReorderQueue } from './reorder-queue.ts';
import { defineSlot } from './slots.ts';
import { TransmitQueue } from './transmit-queue.ts';

export interface GreChannelOptions extends ReorderOptions {
  /** Longest time an acknowledgment waits for data to ride on, in ms (RFC 2637 section 4.3 leaves it open; 100 here). */
  readonly ackDelayMs: number;
  /** Keep to the peer's window when sending (section 4.2); undefined sends at once, as Windows and Linux do. */
  readonly sendWindow?: GreWindowOptions | undefined;
}

/** The numbers of one call so far, for logs and tests. */
export interface GreSnapshot {
  readonly received: number;
  readonly receivedOctets: number;
  readonly sent: number;
  readonly sentOctets: number;
  /** Numbers that were given up, and packets that wait for a number before them. */
  readonly lost: number;
  readonly held: number;
  /** Packets that came too early and were kept. */
  readonly reordered: number;
  readonly peerAcknowledged: number;
  /** Only while sending keeps to a window: its state, packets that wait for it, packets that found no room. */
  readonly window: (GreWindowSnapshot & { readonly waiting: number; readonly dropped: number }) | undefined;
}

/** Sending within the peer's window. */
interface Transmit {
  readonly window: GreWindow;
  readonly waiting: TransmitQueue;
  /** Packets that found the queue full. */
  dropped: number;
  /** Since when packets could go that still wait. */
  openSince: Instant | undefined;
}

const NEVER = Number.POSITIVE_INFINITY;

/** One call's GRE: our sequence numbers, the peer's, and what we owe it as acknowledgment (RFC 2637 section 4). */
export class GreChannel {
  readonly queue: ReorderQueue;
  /** Packets and octets of payload received and sent, for the log line at the end of a session. */
  received = 0;
  receivedOctets = 0;
  sent = 0;
  sentOctets = 0;
  /** Highest acknowledgment from the peer; -1 before the first. */
  peerAcknowledged = -1;
  /** Undefined when nothing limits what we send. */
  readonly transmit: Transmit | undefined;
  private readonly ackDelayMs: number;
  private nextSequence = 0;
  private acknowledged = -1;
  // NEVER in place of undefined: a field that is always a number is written in place, and these are written per packet.
  private receivedAt: number = NEVER;
  private ackDue: number = NEVER;

  /** Without what the peer said of its window nothing limits what we send. */
  constructor(options: GreChannelOptions, peer?: PeerWindow) {
    const { sendWindow } = options;
    this.queue = new ReorderQueue(options);
    this.ackDelayMs = options.ackDelayMs;
    if (sendWindow === undefined || peer === undefined) return;
    this.transmit = {
      window: new GreWindow(peer, sendWindow),
      waiting: new TransmitQueue(sendWindow.queueLimit),
      dropped: 0,
      openSince: undefined,
    };
  }

  /** When the last data packet arrived. */
  get lastReceived(): Instant | undefined {
    return this.receivedAt === NEVER ? undefined : instant(this.receivedAt);
  }

  /** A data packet arrived. True when this starts the acknowledgment timer. */
  noteReceived(octets: number, now: Instant): boolean {
    this.received += 1;
    this.receivedOctets += octets;
    this.receivedAt = now;
    if (this.ackDue !== NEVER || this.queue.highest === this.acknowledged) return false;
    this.ackDue = now + this.ackDelayMs;
    return true;
  }

  /** Whether the next packet may make `nextTimeout` earlier than it was, even without an acknowledgment timer. */
  get mayBeUrgent(): boolean {
    return this.transmit !== undefined || this.queue.held > 0;
  }

  noteAcknowledgment(sequence: number, now: Instant): void {
    if (this.peerAcknowledged < 0 || ((sequence - this.peerAcknowledged) | 0) > 0) this.peerAcknowledged = sequence;
    const { transmit } = this;
    if (transmit === undefined) return;
    transmit.window.acknowledge(sequence, now);
    if (transmit.waiting.length > 0 && transmit.window.isOpen) transmit.openSince ??= now;
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
    this.ackDue = NEVER;
    if (highest === this.acknowledged) return -1;
    this.acknowledged = highest;
    return highest;
  }

  /** True, once, when an acknowledgment has waited long enough for data to ride on: send it alone. */
  takeDueAck(now: Instant): boolean {
    if (now < this.ackDue) return false;
    this.ackDue = NEVER;
    return true;
  }

  nextTimeout(): Instant | undefined {
    const ack = this.ackDue === NEVER ? undefined : instant(this.ackDue);
    const receiving = earliest(ack, this.queue.nextTimeout());
    const { transmit } = this;
    if (transmit === undefined) return receiving;
    return earliest(receiving, earliest(transmit.openSince, transmit.window.nextTimeout()));
  }

  /** All of it; `snapshot` is what people are told. */
  state(): GreChannelSnapshot {
    const { received, receivedOctets, sent, sentOctets, peerAcknowledged, nextSequence, acknowledged, transmit } = this;
    return {
      queue: this.queue.snapshot(),
      received,
      receivedOctets,
      sent,
      sentOctets,
      peerAcknowledged,
      nextSequence,
      acknowledged,
      receivedAt: this.lastReceived,
      ackDue: this.ackDue === NEVER ? undefined : instant(this.ackDue),
      transmit: transmit && {
        window: transmit.window.state(),
        waiting: transmit.waiting.all(),
        dropped: transmit.dropped,
        openSince: transmit.openSince,
      },
    };
  }

  /** Goes on where another one was; a window only where this one has one. */
  restore(state: GreChannelSnapshot): void {
    this.queue.restore(state.queue);
    this.received = state.received;
    this.receivedOctets = state.receivedOctets;
    this.sent = state.sent;
    this.sentOctets = state.sentOctets;
    this.peerAcknowledged = state.peerAcknowledged;
    this.nextSequence = state.nextSequence;
    this.acknowledged = state.acknowledged;
    this.receivedAt = state.receivedAt ?? NEVER;
    this.ackDue = state.ackDue ?? NEVER;
    if (this.transmit === undefined || state.transmit === undefined) return;
    this.transmit.window.restore(state.transmit.window);
    for (const { protocol, bytes } of state.transmit.waiting) this.transmit.waiting.put(protocol, bytes);
    this.transmit.dropped = state.transmit.dropped;
    this.transmit.openSince = state.transmit.openSince;
  }

  snapshot(): GreSnapshot {
    const { received, receivedOctets, sent, sentOctets, peerAcknowledged, queue, transmit } = this;
    const window =
      transmit === undefined
        ? undefined
        : { ...transmit.window.snapshot(), waiting: transmit.waiting.length, dropped: transmit.dropped };
    return {
      received,
      receivedOctets,
      sent,
      sentOctets,
      lost: queue.lost,
      held: queue.held,
      reordered: queue.reordered,
      peerAcknowledged,
      window,
    };
  }
}

/** What the peer said of its window; set before the stages open the session. */
export const PEER_WINDOW = defineSlot<PeerWindow>('peer-window');

export const GRE_CHANNEL = defineSlot<GreChannel>('gre');
