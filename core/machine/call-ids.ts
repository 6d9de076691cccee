import { readU32 } from '../bytes/bytes.ts';
import type { CallId, CallIds } from '../ports/ids.ts';
import { callId } from '../ports/ids.ts';
import type { RandomSource } from '../ports/random.ts';
import { after, type Instant, instant } from '../time.ts';
import type { CallIdsSnapshot } from './control-snapshot.ts';

export interface CallIdsOptions {
  /** Only IDs with `id % modulus === residue` are given out, so that several processes can share one address. */
  readonly modulus: number;
  readonly residue: number;
  /** How long a released ID is kept back, in ms. */
  readonly quarantineMs: number;
}

/**
 * 60 s: longer than packets of the old call can be on their way or a peer that missed the end of its call keeps
 * sending before its own echo time-out, and short enough that 65,535 IDs allow a thousand calls a second.
 */
export const CALL_ID_QUARANTINE_MS = 60_000;

const FREE = 0;
const USED = 1;
const RESTING = 2;

/**
 * Call IDs that cannot be guessed from earlier ones (RFC 2637 has no other protection of the data path) and are not
 * given out again while packets of their last call may still arrive. When all are used or resting, the one that has
 * rested longest is taken: a peer that opens and clears calls quickly must not lock the others out. Zero is never used.
 */
export class RandomCallIds implements CallIds {
  private readonly random: RandomSource;
  private readonly now: () => Instant;
  private readonly quarantineMs: number;
  /** Free IDs in no order; the first `freeCount` count. */
  private readonly free: Uint16Array;
  private freeCount: number;
  private readonly state = new Uint8Array(0x10000);
  /** Ring of resting IDs and when their rest ends, oldest at `head`. */
  private readonly resting: Uint16Array;
  private readonly restUntil: Float64Array;
  private head = 0;
  private restingCount = 0;

  /** Throws RangeError when no ID is of that residue. */
  constructor(
    deps: { readonly random: RandomSource; readonly now: () => Instant },
    options: Partial<CallIdsOptions> = {},
  ) {
    const { modulus = 1, residue = 0, quarantineMs = CALL_ID_QUARANTINE_MS } = options;
    this.random = deps.random;
    this.now = deps.now;
    this.quarantineMs = quarantineMs;
    const ids: number[] = [];
    if (Number.isInteger(modulus) && modulus >= 1) {
      for (let id = 1; id <= 0xffff; id += 1) if (id % modulus === residue) ids.push(id);
    }
    if (ids.length === 0) throw new RangeError(`no Call ID is ${residue} modulo ${modulus}`);
    this.free = Uint16Array.from(ids);
    this.freeCount = ids.length;
    this.resting = new Uint16Array(ids.length);
    this.restUntil = new Float64Array(ids.length);
  }

  allocate(): CallId | undefined {
    const now = this.now();
    while (this.restingCount > 0 && (this.restUntil[this.head] ?? 0) <= now) this.wake();
    if (this.freeCount === 0 && this.restingCount > 0) this.wake();
    if (this.freeCount === 0) return undefined;
    const at = readU32(this.random.bytes(4), 0) % this.freeCount;
    const id = this.free[at] ?? 0;
    this.freeCount -= 1;
    this.free[at] = this.free[this.freeCount] ?? 0;
    this.state[id] = USED;
    return callId(id);
  }

  /** Ignores an ID that is not in use. */
  release(id: CallId): void {
    if (this.state[id] !== USED) return;
    this.rest(id, after(this.now(), this.quarantineMs));
  }

  /** Those that rest, oldest first. */
  snapshot(): CallIdsSnapshot {
    const resting = Array.from({ length: this.restingCount }, (_, nth) => {
      const at = (this.head + nth) % this.resting.length;
      return { id: callId(this.resting[at] ?? 0), until: instant(this.restUntil[at] ?? 0) };
    });
    return { resting };
  }

  /** In a process that takes over, before the first ID is given out: these rest, and those are in use. */
  restore({ resting }: CallIdsSnapshot, used: Iterable<CallId>): void {
    const taken = new Set<number>();
    for (const id of used) taken.add(id);
    const mine = resting.filter(({ id }) => !taken.has(id));
    for (const { id } of mine) taken.add(id);
    const free = this.free.subarray(0, this.freeCount).filter((id) => !taken.has(id));
    const known = new Set(this.free.subarray(0, this.freeCount));
    this.free.set(free);
    this.freeCount = free.length;
    for (const id of taken) if (known.has(id)) this.state[id] = USED;
    for (const { id, until } of mine) if (this.state[id] === USED) this.rest(id, until);
  }

  private rest(id: CallId, until: Instant): void {
    this.state[id] = RESTING;
    const tail = (this.head + this.restingCount) % this.resting.length;
    this.resting[tail] = id;
    this.restUntil[tail] = until;
    this.restingCount += 1;
  }

  private wake(): void {
    const id = this.resting[this.head] ?? 0;
    this.head = (this.head + 1) % this.resting.length;
    this.restingCount -= 1;
    this.state[id] = FREE;
    this.free[this.freeCount] = id;
    this.freeCount += 1;
  }
}
