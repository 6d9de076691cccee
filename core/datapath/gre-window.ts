import { after, type Instant, instant } from '../time.ts';
import type { GreWindowState } from './path-snapshot.ts';

export interface GreWindowOptions {
  /** Bounds of the acknowledgment time-out, in ms: MinTimeOut and MaxTimeOut of RFC 2637 section 4.4. */
  readonly minTimeoutMs: number;
  readonly maxTimeoutMs: number;
  /** User packets that wait for the window of one call; more are dropped. */
  readonly queueLimit: number;
}

/** What the peer said when the call opened (RFC 2637 sections 2.7, 2.8, 2.10 and 2.11). */
export interface PeerWindow {
  /** Packets it can take before it acknowledges. */
  readonly packets: number;
  /** Its Packet Processing Delay, in 1/10 s. */
  readonly processingDelay: number;
}

export interface GreWindowSnapshot {
  readonly size: number;
  readonly maximum: number;
  readonly inFlight: number;
  readonly timeOuts: number;
  /** False while the peer counts as one that does not acknowledge. */
  readonly limiting: boolean;
  readonly roundTripMs: number;
  readonly deviationMs: number;
  readonly timeoutMs: number;
}

/** Gains of RFC 2637 section 4.4.1 and 4.4.2. */
const ALPHA = 1 / 8;
const BETA = 1 / 4;
const CHI = 4;
const DELTA = 2;

const TENTH_OF_SECOND_MS = 100;
/** Nobody has more packets of one call on the way than Windows allows (16,384). */
const MOST_IN_FLIGHT = 16_384;
/**
 * Time-outs in a row without a single acknowledgment after which the window lets everything pass: such a peer (the Linux
 * kernel sends acknowledgments on data only) would get one packet per MaxTimeOut. The next acknowledgment ends it.
 */
const SILENCE = 3;

const distance = (from: number, to: number): number => (to - from) | 0;

/**
 * Sender's side of one call's sliding window (RFC 2637 sections 4.2 and 4.4): how many packets may be on the way, and
 * when their acknowledgment is overdue. Nothing is retransmitted: after a time-out what was on the way no longer counts
 * and sending goes on with half the window. Packets are numbered here as GRE numbers them: from 0, in order of `sent`.
 */
export class GreWindow {
  timeOuts = 0;
  private readonly options: GreWindowOptions;
  private readonly maximum: number;
  private size: number;
  private roundTrip: number;
  private deviation = 0;
  private timeout: number;
  private next = 0;
  /** The first packet that awaits its acknowledgment; `next` when none does. */
  private oldest = 0;
  private highest = -1;
  private total = 0;
  /** Acknowledged since the window last grew or shrank. */
  private credit = 0;
  private silentTimeOuts = 0;
  /** When the latest packets left, by the low bits of their number; as many as a power of two holds. */
  private sentAt = new Float64Array(64);

  constructor(peer: PeerWindow, options: GreWindowOptions) {
    this.options = options;
    this.maximum = Math.min(MOST_IN_FLIGHT, Math.max(1, peer.packets));
    this.size = Math.ceil(this.maximum / 2);
    // A delay of 0 says "not known", and twice nothing would be no back-off.
    this.roundTrip = Math.max(options.minTimeoutMs, peer.processingDelay * TENTH_OF_SECOND_MS);
    this.timeout = this.adapted();
  }

  /** All of it; `snapshot` is what people are told. */
  state(): GreWindowState {
    const { timeOuts, size, roundTrip, deviation, timeout, next, oldest, highest, total, credit, silentTimeOuts } =
      this;
    // Also of those that were given up: their acknowledgments are samples all the same.
    const known = Math.min(this.total, this.sentAt.length);
    const sentAt = Array.from({ length: known }, (_, i) =>
      instant(this.sentAt[this.slot((next - known + i) >>> 0)] ?? 0),
    );
    return {
      timeOuts,
      size,
      roundTrip,
      deviation,
      timeout,
      next,
      oldest,
      highest,
      total,
      credit,
      silentTimeOuts,
      sentAt,
    };
  }

  restore(state: GreWindowState): void {
    this.timeOuts = state.timeOuts;
    this.size = Math.min(state.size, this.maximum);
    this.roundTrip = state.roundTrip;
    this.deviation = state.deviation;
    this.timeout = state.timeout;
    this.next = state.next;
    this.oldest = state.oldest;
    this.highest = state.highest;
    this.total = state.total;
    this.credit = state.credit;
    this.silentTimeOuts = state.silentTimeOuts;
    let room = this.sentAt.length;
    while (room < state.sentAt.length) room *= 2;
    this.sentAt = new Float64Array(room);
    for (const [i, at] of state.sentAt.entries())
      this.sentAt[this.slot((state.next - state.sentAt.length + i) >>> 0)] = at;
  }

  get inFlight(): number {
    return distance(this.oldest, this.next);
  }

  get isOpen(): boolean {
    return !this.limiting || this.inFlight < this.size;
  }

  private get limiting(): boolean {
    return this.silentTimeOuts < SILENCE;
  }

  /** A data packet leaves now. */
  sent(now: Instant): void {
    if (this.inFlight === this.sentAt.length) this.grow();
    this.sentAt[this.slot(this.next)] = now;
    this.next = (this.next + 1) >>> 0;
    this.total += 1;
    if (!this.limiting) this.oldest = this.next;
  }

  /** An acknowledgment arrived: it covers every packet up to `sequence` (section 4.2.5). */
  acknowledge(sequence: number, now: Instant): void {
    const back = distance(sequence, this.next);
    // Not sent yet, sent ages ago, or nothing new.
    if (back < 1 || back > this.total) return;
    if (this.highest >= 0 && distance(this.highest, sequence) <= 0) return;
    this.highest = sequence;
    this.silentTimeOuts = 0;
    // No packet is ever sent twice, so a packet that was given up makes as good a sample as any.
    if (back <= this.sentAt.length) this.measure(now - (this.sentAt[this.slot(sequence)] ?? now));
    const covered = distance(this.oldest, sequence) + 1;
    if (covered <= 0) return;
    this.oldest = (sequence + 1) >>> 0;
    this.credit += covered;
    if (this.credit < this.size) return;
    this.credit -= this.size;
    this.size = Math.min(this.size + 1, this.maximum);
  }

  /** When `expire` has something to do. */
  nextTimeout(): Instant | undefined {
    if (this.inFlight === 0) return undefined;
    return after((this.sentAt[this.slot(this.oldest)] ?? 0) as Instant, this.timeout);
  }

  /** True when the acknowledgment of the oldest packet is overdue: the window has been halved and is empty. */
  expire(now: Instant): boolean {
    const due = this.nextTimeout();
    if (due === undefined || now < due) return false;
    this.timeOuts += 1;
    this.silentTimeOuts += 1;
    this.roundTrip = Math.min(this.roundTrip * DELTA, this.options.maxTimeoutMs);
    this.timeout = this.adapted();
    this.size = Math.ceil(this.size / 2);
    this.credit = 0;
    this.oldest = this.next;
    return true;
  }

  snapshot(): GreWindowSnapshot {
    const { size, maximum, inFlight, timeOuts, limiting } = this;
    return {
      size,
      maximum,
      inFlight,
      timeOuts,
      limiting,
      roundTripMs: this.roundTrip,
      deviationMs: this.deviation,
      timeoutMs: this.timeout,
    };
  }

  private measure(sample: number): void {
    const difference = sample - this.roundTrip;
    this.deviation += BETA * (Math.abs(difference) - this.deviation);
    this.roundTrip += ALPHA * difference;
    this.timeout = this.adapted();
  }

  private adapted(): number {
    const { minTimeoutMs, maxTimeoutMs } = this.options;
    return Math.max(minTimeoutMs, Math.min(this.roundTrip + CHI * this.deviation, maxTimeoutMs));
  }

  private slot(sequence: number): number {
    return sequence & (this.sentAt.length - 1);
  }

  private grow(): void {
    const larger = new Float64Array(this.sentAt.length * 2);
    for (let i = 0; i < this.sentAt.length; i += 1) {
      const sequence = (this.oldest + i) >>> 0;
      larger[sequence & (larger.length - 1)] = this.sentAt[this.slot(sequence)] ?? 0;
    }
    this.sentAt = larger;
  }
}
