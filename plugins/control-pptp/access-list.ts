import type { Ipv4 } from '../../core/bytes/ipv4-address.ts';

/** An IPv4 network, host bits zero. */
export interface AccessNetwork {
  readonly network: Ipv4;
  /** 0 to 32. */
  readonly prefixLength: number;
}

export interface AccessLists {
  /** Empty: everybody who is not denied. */
  readonly allow: readonly AccessNetwork[];
  readonly deny: readonly AccessNetwork[];
}

interface Entry {
  readonly first: number;
  readonly last: number;
  readonly prefixLength: number;
  readonly admits: boolean;
}

const LAST_ADDRESS = 0xffff_ffff;

const entryOf =
  (admits: boolean) =>
  ({ network, prefixLength }: AccessNetwork): Entry => ({
    first: network,
    last: network + 2 ** (32 - prefixLength) - 1,
    prefixLength,
    admits,
  });

/** Wide before narrow, so that the narrow one has the last word; of two that are the same the one that denies. */
const inOrder = (a: Entry, b: Entry): number =>
  a.first - b.first || a.prefixLength - b.prefixLength || Number(b.admits) - Number(a.admits);

/**
 * Who may connect, by address: the longest prefix that holds it decides, `deny` where both lists name the same network. An
 * address that none holds may connect unless there is a list of those who may. Compiled to ranges that do not overlap: a
 * question is a binary search, however many networks there are.
 */
export class AccessList {
  static readonly EVERYBODY = new AccessList({ allow: [], deny: [] });

  private readonly starts: Uint32Array;
  private readonly verdicts: Uint8Array;

  constructor({ allow, deny }: AccessLists) {
    const entries = [...allow.map(entryOf(true)), ...deny.map(entryOf(false))].sort(inOrder);
    const starts: number[] = [0];
    const verdicts: boolean[] = [allow.length === 0];
    const mark = (start: number, admits: boolean): void => {
      if (starts.at(-1) === start) {
        verdicts[verdicts.length - 1] = admits;
      } else if (verdicts.at(-1) !== admits) {
        starts.push(start);
        verdicts.push(admits);
      }
    };
    /** Networks that hold the one at hand, the narrowest last. */
    const around: Entry[] = [];
    const leave = (before: number): void => {
      for (let inner = around.at(-1); inner !== undefined && inner.last < before; inner = around.at(-1)) {
        around.pop();
        if (inner.last < LAST_ADDRESS) mark(inner.last + 1, around.at(-1)?.admits ?? allow.length === 0);
      }
    };
    for (const entry of entries) {
      leave(entry.first);
      around.push(entry);
      mark(entry.first, entry.admits);
    }
    leave(LAST_ADDRESS + 1);
    this.starts = Uint32Array.from(starts);
    this.verdicts = Uint8Array.from(verdicts, Number);
  }

  /** Ranges that it was compiled to. */
  get size(): number {
    return this.starts.length;
  }

  admits(address: Ipv4): boolean {
    let low = 0;
    let high = this.starts.length - 1;
    while (low < high) {
      const middle = (low + high + 1) >>> 1;
      if ((this.starts[middle] ?? 0) <= address) low = middle;
      else high = middle - 1;
    }
    return this.verdicts[low] === 1;
  }
}
