import type { Ipv4 } from '../../core/bytes/ipv4-address.ts';
import type { Session } from '../../core/datapath/session.ts';
import type { InnerNetwork } from '../../core/ports/profile.ts';

/** The networks of one prefix length. */
interface Length {
  readonly prefixLength: number;
  readonly mask: number;
  readonly sessions: Map<number, Session>;
}

const maskOf = (prefixLength: number): number => (prefixLength === 0 ? 0 : (0xffffffff << (32 - prefixLength)) >>> 0);

/** Networks behind peers, each of one session. */
export class NetworkTable {
  /** Longest first; only those that there are. */
  private readonly lengths: Length[] = [];

  get isEmpty(): boolean {
    return this.lengths.length === 0;
  }

  holder({ network, prefixLength }: InnerNetwork): Session | undefined {
    return this.lengths.find((one) => one.prefixLength === prefixLength)?.sessions.get(network);
  }

  /** Replaces who had it. */
  set({ network, prefixLength }: InnerNetwork, session: Session): void {
    let length = this.lengths.find((one) => one.prefixLength === prefixLength);
    if (length === undefined) {
      length = { prefixLength, mask: maskOf(prefixLength), sessions: new Map() };
      this.lengths.push(length);
      this.lengths.sort((a, b) => b.prefixLength - a.prefixLength);
    }
    length.sessions.set(network, session);
  }

  /** Does nothing where another session has it. */
  remove({ network, prefixLength }: InnerNetwork, session: Session): void {
    const at = this.lengths.findIndex((one) => one.prefixLength === prefixLength);
    const sessions = this.lengths[at]?.sessions;
    if (sessions?.get(network) !== session) return;
    sessions.delete(network);
    if (sessions.size === 0) this.lengths.splice(at, 1);
  }

  /** By the longest prefix; a session that is not up has none of its networks. */
  find(address: Ipv4): Session | undefined {
    for (const { mask, sessions } of this.lengths) {
      const session = sessions.get((address & mask) >>> 0);
      if (session?.address !== undefined) return session;
    }
    return undefined;
  }
}
