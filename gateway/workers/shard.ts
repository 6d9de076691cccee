/** Which worker of how many: every number that belongs to one of them is spread by its residue. */
export interface Shard {
  /** From 0. */
  readonly index: number;
  /** 2 or more where there are workers. */
  readonly count: number;
}

/** A gateway of one process. */
export const WHOLE: Shard = { index: 0, count: 1 };

/** Whether a number, such as a Call ID, is of this worker. */
export const owns = ({ index, count }: Shard, number: number): boolean => number % count === index;

/** This worker's part of `total` things that cannot be cut: the parts differ by one at most, and their sum is `total`. */
export const shareOf = ({ index, count }: Shard, total: number): number =>
  Math.floor(total / count) + (index < total % count ? 1 : 0);

/** Every worker, in order. */
export const shards = (count: number): readonly Shard[] =>
  Array.from({ length: count }, (_, index) => ({ index, count }));
