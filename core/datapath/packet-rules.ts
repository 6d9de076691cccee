import type { SessionId } from '../ports/ids.ts';
import { after, type Instant } from '../time.ts';
import type { Session } from './session.ts';

/** Which packets are traced: those for which everything holds that is given here. */
export interface PacketRule {
  /** Of this user's tunnels. */
  readonly user?: string;
  /** Of this tunnel. */
  readonly tunnel?: SessionId;
  /** This share of them, chosen at random: above 0, at most 1. All if left out. */
  readonly ratio?: number;
  /** Only the next so many. */
  readonly packets?: number;
  /** Only those that are dropped. */
  readonly dropsOnly?: boolean;
  /** Only for so long, in ms. */
  readonly forMs?: number;
}

export interface PacketRuleView extends PacketRule {
  readonly id: string;
  readonly traced: number;
  /** Packets that were chosen and not traced, because too many were in that second. */
  readonly suppressed: number;
  /** What is left of `forMs`. */
  readonly leftMs: number | undefined;
}

/** A rule at work. `uniform` gives numbers from 0 to below 1. */
export class ActiveRule {
  readonly id: string;
  readonly rule: PacketRule;
  readonly until: Instant | undefined;
  traced = 0;
  suppressed = 0;
  private readonly ratio: number;
  private readonly uniform: () => number;
  /** Packets to pass over before the next that is chosen: one draw per chosen packet, none for the others. */
  private skip: number;

  constructor(id: string, rule: PacketRule, uniform: () => number, now: Instant) {
    this.id = id;
    this.rule = rule;
    this.until = rule.forMs === undefined ? undefined : after(now, rule.forMs);
    this.ratio = rule.ratio ?? 1;
    this.uniform = uniform;
    this.skip = this.draw();
  }

  /** Of every tunnel, and of packets that belong to none. */
  get isGeneral(): boolean {
    return this.rule.user === undefined && this.rule.tunnel === undefined;
  }

  get isUsedUp(): boolean {
    return this.rule.packets !== undefined && this.traced >= this.rule.packets;
  }

  matches(session: Session | undefined): boolean {
    const { user, tunnel } = this.rule;
    if (user !== undefined && session?.identity !== user) return false;
    return tunnel === undefined || session?.id === tunnel;
  }

  /** One more packet matches: whether it is chosen. */
  chooses(): boolean {
    if (this.skip > 0) {
      this.skip -= 1;
      return false;
    }
    this.skip = this.draw();
    return true;
  }

  /**
   * `count` packets in a row match. Returns how many there are before the next that is chosen, or -1 when none of them is;
   * ask again with those behind it.
   */
  passesOver(count: number): number {
    if (this.skip >= count) {
      this.skip -= count;
      return -1;
    }
    const at = this.skip;
    this.skip = this.draw();
    return at;
  }

  view(now: Instant): PacketRuleView {
    const { id, rule, traced, suppressed, until } = this;
    return { ...rule, id, traced, suppressed, leftMs: until === undefined ? undefined : Math.max(0, until - now) };
  }

  /** Gaps between independent choices of equal chance are geometric: every packet of every tunnel has the same chance. */
  private draw(): number {
    if (this.ratio >= 1) return 0;
    return Math.floor(Math.log(1 - this.uniform()) / Math.log(1 - this.ratio));
  }
}

const SECOND_MS = 1000;

/** So many packets per second and no more, over all rules. */
export class PacketLimit {
  private readonly perSecond: number;
  private second: number | undefined;
  private used = 0;

  constructor(perSecond: number) {
    this.perSecond = perSecond;
  }

  allows(now: Instant): boolean {
    const second = Math.floor(now / SECOND_MS);
    if (second !== this.second) {
      this.second = second;
      this.used = 0;
    }
    if (this.used >= this.perSecond) return false;
    this.used += 1;
    return true;
  }
}
