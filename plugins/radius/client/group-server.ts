import { type Instant, instant } from '../../../core/time.ts';

/** Identifiers of one socket: the field has one octet. */
export const IDENTIFIERS = 256;

/** Where a request is outstanding. */
export interface Place {
  readonly socket: number;
  readonly identifier: number;
}

/** What became of the last request that had an identifier. */
type Fate = 'unsolicited' | 'duplicate' | 'late';
const FATES: readonly Fate[] = ['unsolicited', 'duplicate', 'late'];

class Socket {
  readonly holders = new Map<number, number>();
  /** Per identifier, an index of FATES. */
  readonly fates = new Uint8Array(IDENTIFIERS);
  next = 0;
}

const LONG_AGO = instant(Number.NEGATIVE_INFINITY);

/** One server as its group sees it: who has which identifier on which socket, and whether it lives. */
export class GroupServer {
  readonly weight: number;
  /** Of the round robin. */
  credit = 0;
  lastAnswer: Instant = LONG_AGO;
  deadUntil: Instant = LONG_AGO;
  private buried = false;
  private readonly sockets: readonly Socket[];

  constructor(weight: number, sockets: number) {
    this.weight = weight;
    this.sockets = Array.from({ length: sockets }, () => new Socket());
  }

  /** Undefined when all identifiers of all sockets are taken. The one that was free the longest comes first. */
  take(holder: number): Place | undefined {
    const at = this.sockets.findIndex(({ holders }) => holders.size < IDENTIFIERS);
    const socket = this.sockets[at];
    if (socket === undefined) return undefined;
    while (socket.holders.has(socket.next)) socket.next = (socket.next + 1) % IDENTIFIERS;
    const identifier = socket.next;
    socket.next = (identifier + 1) % IDENTIFIERS;
    socket.holders.set(identifier, holder);
    return { socket: at, identifier };
  }

  release({ socket, identifier }: Place, how: 'answered' | 'given-up'): void {
    const one = this.sockets[socket];
    if (one === undefined) return;
    one.holders.delete(identifier);
    one.fates[identifier] = how === 'answered' ? 1 : 2;
  }

  holder({ socket, identifier }: Place): number | undefined {
    return this.sockets[socket]?.holders.get(identifier);
  }

  /** Why nobody waits there. */
  fate({ socket, identifier }: Place): Fate {
    return FATES[this.sockets[socket]?.fates[identifier] ?? 0] ?? 'unsolicited';
  }

  isDead(now: Instant): boolean {
    return this.deadUntil > now;
  }

  die(until: Instant): void {
    this.deadUntil = until;
    this.buried = true;
  }

  /** It has answered. True when it was thought dead, and nobody has been told of its return. */
  live(now: Instant): boolean {
    const revived = this.buried;
    this.buried = false;
    this.lastAnswer = now;
    this.deadUntil = LONG_AGO;
    return revived;
  }
}
