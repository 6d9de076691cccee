import type { Ipv4 } from '../bytes/ipv4-address.ts';

/** `won`: the peer's connection is not used, ours is; `lost`: the other way round. */
export type CollisionOutcome = 'none' | 'won' | 'lost';

/** What is said of a connection of ours that is not used because of the peer's. */
export const YIELDED = "The peer's own request goes before ours.";

interface Attempt {
  readonly local: Ipv4;
  readonly giveUp: () => void;
}

/**
 * Keeps a process that is asked for connections and asks for them at one control connection with a peer (RFC 2637 section
 * 3.1.3): our Start-Control-Connection-Requests without an answer, and the connections that peers asked for and have. Only
 * an attempt of our own to the very same address makes a collision: many clients behind one NAT are not one peer.
 */
export class StartCollisions {
  private readonly attempts = new Map<Ipv4, Set<Attempt>>();
  private readonly served = new Map<Ipv4, number>();
  private readonly waiting = new Map<Ipv4, Set<() => void>>();

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

  /** A connection that `peer` asked for is established. The result is to be called when it has gone. */
  serve(peer: Ipv4): () => void {
    this.served.set(peer, (this.served.get(peer) ?? 0) + 1);
    let gone = false;
    return () => {
      if (gone) return;
      gone = true;
      const left = (this.served.get(peer) ?? 0) - 1;
      if (left > 0) {
        this.served.set(peer, left);
        return;
      }
      this.served.delete(peer);
      const waiting = this.waiting.get(peer);
      this.waiting.delete(peer);
      for (const tell of waiting ?? []) tell();
    };
  }

  /** Whether `peer` has a connection that it asked for: none of ours is to be asked for then. */
  serves(peer: Ipv4): boolean {
    return this.served.has(peer);
  }

  /** Calls `tell` once when the last such connection of `peer` has gone. The result calls that off. */
  whenGone(peer: Ipv4, tell: () => void): () => void {
    const waiting = this.waiting.get(peer) ?? new Set();
    this.waiting.set(peer, waiting.add(tell));
    return () => {
      waiting.delete(tell);
      if (waiting.size === 0 && this.waiting.get(peer) === waiting) this.waiting.delete(peer);
    };
  }
}
