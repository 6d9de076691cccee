import type { Instant } from '../../core/time.ts';

/** Echo-Requests that got no answer in a row. */
export interface EchoLoss {
  readonly lost: number;
  /** When the first of them was sent. */
  readonly since: Instant;
}

/** Follows the LCP echoes of one link: how long an answer takes, and when there is none (RFC 1661 section 5.8). */
export class EchoWatch {
  private waiting: { readonly identifier: number; readonly at: Instant } | undefined;
  private silentSince: Instant | undefined;
  private lost = 0;

  requested(identifier: number, now: Instant): void {
    if (this.waiting !== undefined) this.lost += 1;
    this.silentSince ??= now;
    this.waiting = { identifier, at: now };
  }

  /** The round trip in ms, when it answers the request that waits. */
  replied(identifier: number, now: Instant): number | undefined {
    return this.waiting?.identifier === identifier ? now - this.waiting.at : undefined;
  }

  /** Anything came from the peer: what was lost until now, if anything was. */
  heard(): EchoLoss | undefined {
    const loss = this.loss(0);
    this.waiting = undefined;
    this.silentSince = undefined;
    this.lost = 0;
    return loss;
  }

  /** The link was given up: the request that waits is lost as well. */
  gaveUp(): EchoLoss | undefined {
    return this.loss(this.waiting === undefined ? 0 : 1);
  }

  private loss(more: number): EchoLoss | undefined {
    const lost = this.lost + more;
    return lost > 0 && this.silentSince !== undefined ? { lost, since: this.silentSince } : undefined;
  }
}
