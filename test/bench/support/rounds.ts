/**
 * Measures each case once a round, A B C, B C A, C A B: a machine that becomes slower does so for all, and none always
 * follows the same.
 */
export const inTurn = async <T>(
  rounds: number,
  cases: readonly T[],
  measure: (one: T, round: number) => void | Promise<void>,
): Promise<void> => {
  for (let round = 0; round < rounds; round += 1) {
    const first = round % Math.max(1, cases.length);
    for (const one of [...cases.slice(first), ...cases.slice(0, first)]) await measure(one, round);
  }
};
