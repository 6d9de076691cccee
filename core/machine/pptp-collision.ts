import type { Ipv4 } from '../bytes/ipv4-address.ts';

/** `won`: the peer's connection is not used, ours is; `lost`: the other way round. */
export type CollisionOutcome = 'none' | 'won' | 'lost';

interface Attempt {
  readonly local: Ipv4;
  readonly giveUp: () => void;
}

/**
 * Our Start-Control-Connection-Requests without an answer, for a process that is asked for connections and asks for them
 * (RFC 2637 section 3.1.3). Only an attempt of our own to the very same address makes a collision: many clients behind
 * one NAT are not one peer.
 */
export class StartCollisions {
  private readonly attempts = new Map<Ipv4, Set<Attempt>>();

  /**
   * A request to `peer` goes out. `giveUp` closes that connection without another message. The result is to be called
   * when the request is answered or given up.
   */
  begin(local: Ipv4, peer: Ipv4, giveUp: () => void): () => void {
    const attempt = { local, giveUp };
    const ours = this.attempts.get(peer) ?? new Set();
    this.attempts.set(peer, ours.add(attempt));
    return () => {
      ours.delete(attempt);
      if (ours.size === 0 && this.attempts.get(peer) === ours) this.attempts.delete(peer);
    };
  }

  /** A request came from `peer`. When we lose, our own attempts are given up before this returns. */
  meet(peer: Ipv4): CollisionOutcome {
    const ours = [...(this.attempts.get(peer) ?? [])];
    if (ours.length === 0) return 'none';
    // Addresses are unsigned numbers, the network part above: the higher one wins.
    if (ours.some(({ local }) => local > peer)) return 'won';
    for (const { giveUp } of ours) giveUp();
    return 'lost';
  }
}
