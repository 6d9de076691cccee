import type { Ipv4 } from '../../core/bytes/ipv4-address.ts';
import { NoteBudget } from '../../core/machine/note-budget.ts';
import type { Clock } from '../../core/ports/clock.ts';
import type { Log } from '../../core/ports/log.ts';
import { after, type Instant } from '../../core/time.ts';

export interface SetupLimits {
  /** Set-ups that may run at a time; 0: nobody ever waits. */
  readonly atOnce: number;
  /** Clients that may wait for theirs to begin. */
  readonly waiting: number;
  /** How long one waits before it is refused, in ms. */
  readonly waitMs: number;
}

export type SetupRefusal = 'limit-setup-queue' | 'limit-setup-wait';

/** A client that has asked for a tunnel. Exactly one of the two is called, unless it leaves before. */
export interface Applicant {
  /** Where it calls from. */
  readonly peer: Ipv4;
  /** A user has logged in from there before. */
  readonly isKnown: boolean;
  goAhead(): void;
  turnAway(why: SetupRefusal): void;
}

/**
 * A set-up that is not over by then waits for its peer, and costs nothing meanwhile. So nobody can keep others out by
 * beginning and saying no more.
 */
const HOLD_MS = 5_000;
/** How often the window is looked at while somebody waits. The timer is late by what a turn of the event loop takes. */
const LOOK_MS = 20;
/** Late by more than this: fewer at a time, so that packets of tunnels that are up are not kept; by less than that: more. */
const LATE_MS = 30;
const EASY_MS = 15;
const FIRST_WINDOW = 64;
const LEAST_WINDOW = 8;
/** Refusals of one look: a queue that came at once is overdue at once. */
const MOST_REFUSALS = 32;
/** Fewer that wait are no storm. */
const STORM = 64;

/** By source: the source whose turn is next is first. */
type Turns = Map<Ipv4, Set<Applicant>>;

/**
 * Lets no more set-ups run at a time than the process can complete, and the others wait in the order of their coming, one
 * of each source address after the other, so that nobody is kept out by one that calls very often, and those whose address
 * is known before strangers. When thousands call at
 * once, as after a power cut, each of them would otherwise take longer than its client has patience, and the work for all
 * of them would be lost; and tunnels that are up would not get a turn.
 *
 * How many run follows the event loop: a turn that takes long makes the window smaller; short ones, if set-ups are completed
 * meanwhile, make it wider, up to `atOnce`.
 */
export class SetupAdmission {
  private readonly clock: Clock;
  private readonly log: Log;
  private limits: SetupLimits;
  private readonly storms: NoteBudget;
  /** Until when each holds its place; all hold it for as long, so the oldest is first. The same with those that wait. */
  private readonly holding = new Map<Applicant, Instant>();
  private readonly queue = new Map<Applicant, Instant>();
  /** Those that wait. */
  private readonly turnsOfKnown: Turns = new Map();
  private readonly turnsOfStrangers: Turns = new Map();
  private window: number;
  /** Somebody was through since the last look, or has said no more for so long that another may begin. */
  private progress = false;
  private look: { readonly due: Instant; readonly cancel: () => void } | undefined;
  private serving = false;

  constructor(clock: Clock, log: Log, limits: SetupLimits, logIntervalMs: number) {
    this.clock = clock;
    this.log = log;
    this.limits = limits;
    // It is made to measure while somebody waits.
    this.window = limits.waiting === 0 ? limits.atOnce : Math.min(FIRST_WINDOW, limits.atOnce);
    this.storms = new NoteBudget(1, logIntervalMs);
  }

  /** Who waits already waits as long as was said then. */
  reconfigure(limits: SetupLimits): void {
    this.limits = limits;
    this.window = Math.max(Math.min(LEAST_WINDOW, limits.atOnce), Math.min(this.window, limits.atOnce));
  }

  get running(): number {
    this.takePlacesBack(this.clock.now());
    return this.holding.size;
  }

  get waiting(): number {
    return this.queue.size;
  }

  /** `applicant` is answered before the return, or waits. */
  ask(applicant: Applicant): void {
    if (this.limits.atOnce === 0) {
      applicant.goAhead();
      return;
    }
    const now = this.clock.now();
    this.takePlacesBack(now);
    if (this.queue.size === 0 && this.holding.size < this.window) {
      this.begin(applicant, now);
    } else if (this.queue.size >= this.limits.waiting && !this.makesRoomFor(applicant)) {
      applicant.turnAway('limit-setup-queue');
    } else {
      this.enter(applicant, after(now, this.limits.waitMs));
      if (this.queue.size >= STORM) this.tellOfStorm(now);
      this.watch(now);
    }
  }

  /** Its set-up is over, or it is gone; to say so again does no harm. */
  leave(applicant: Applicant): void {
    if (this.remove(applicant) && this.queue.size === 0) this.stop();
    if (!this.holding.delete(applicant)) return;
    this.progress = true;
    if (this.queue.size === 0 || this.serving) return;
    this.serving = true;
    // Whoever left may be in the middle of a batch of packets.
    queueMicrotask(() => {
      this.serving = false;
      this.serve(this.clock.now());
    });
  }

  /** Forgets everybody without a word. */
  stop(): void {
    this.queue.clear();
    this.turnsOfKnown.clear();
    this.turnsOfStrangers.clear();
    this.look?.cancel();
    this.look = undefined;
  }

  private begin(applicant: Applicant, now: Instant): void {
    this.holding.set(applicant, after(now, HOLD_MS));
    applicant.goAhead();
  }

  private serve(now: Instant): void {
    for (const turns of [this.turnsOfKnown, this.turnsOfStrangers]) {
      for (const [source, clients] of turns) {
        if (this.holding.size >= this.window) break;
        const [applicant] = clients;
        if (applicant === undefined) continue;
        this.remove(applicant);
        // The others of this source come behind all other sources.
        turns.delete(source);
        if (clients.size > 0) turns.set(source, clients);
        this.begin(applicant, now);
      }
    }
    if (this.queue.size === 0) this.stop();
  }

  /** A stranger leaves the queue for one that is known. */
  private makesRoomFor({ isKnown }: Applicant): boolean {
    const [clients] = isKnown ? this.turnsOfStrangers.values() : [];
    const [stranger] = clients ?? [];
    if (stranger === undefined) return false;
    this.remove(stranger);
    stranger.turnAway('limit-setup-queue');
    return true;
  }

  private enter(applicant: Applicant, until: Instant): void {
    this.queue.set(applicant, until);
    const turns = this.turnsOf(applicant);
    const others = turns.get(applicant.peer);
    if (others === undefined) turns.set(applicant.peer, new Set([applicant]));
    else others.add(applicant);
  }

  private turnsOf({ isKnown }: Applicant): Turns {
    return isKnown ? this.turnsOfKnown : this.turnsOfStrangers;
  }

  /** False: it did not wait. */
  private remove(applicant: Applicant): boolean {
    if (!this.queue.delete(applicant)) return false;
    const turns = this.turnsOf(applicant);
    const clients = turns.get(applicant.peer);
    clients?.delete(applicant);
    if (clients?.size === 0) turns.delete(applicant.peer);
    return true;
  }

  private watch(now: Instant): void {
    if (this.look !== undefined) return;
    const due = after(now, LOOK_MS);
    this.look = { due, cancel: this.clock.schedule(due, () => this.onLook(due)) };
  }

  private onLook(due: Instant): void {
    this.look = undefined;
    const now = this.clock.now();
    this.takePlacesBack(now);
    this.adjust(now - due);
    this.refuseOverdue(now);
    this.serve(now);
    if (this.queue.size > 0) this.watch(now);
  }

  private adjust(late: number): void {
    const step = Math.max(1, this.window >> 3);
    if (late > LATE_MS) this.window = Math.max(Math.min(LEAST_WINDOW, this.limits.atOnce), this.window - step);
    // While thousands of connections are accepted, turns may be short and yet nobody gets on.
    else if (late < EASY_MS && this.progress) this.window = Math.min(this.limits.atOnce, this.window + step);
    this.progress = false;
  }

  private takePlacesBack(now: Instant): void {
    for (const [applicant, until] of this.holding) {
      if (until > now) break;
      this.holding.delete(applicant);
      // A few that say no more would keep a small window full otherwise, and nobody be through to widen it.
      this.progress = true;
    }
  }

  private refuseOverdue(now: Instant): void {
    let left = MOST_REFUSALS;
    for (const [applicant, until] of this.queue) {
      if (until > now || left === 0) break;
      left -= 1;
      this.remove(applicant);
      applicant.turnAway('limit-setup-wait');
    }
  }

  private tellOfStorm(now: Instant): void {
    const missed = this.storms.take(now);
    if (missed === undefined) return;
    const message = 'More clients call than can be set up at once; they wait for their turn.';
    const fields = { waiting: this.queue.size, running: this.holding.size, notLogged: missed };
    this.log.warn('control.storm', message, fields);
  }
}
