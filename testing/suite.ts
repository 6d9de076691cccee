/** One thing that an implementation must do. `run` throws or rejects when it does not. */
export interface ContractCheck {
  readonly name: string;
  run(): void | Promise<void>;
}

/** What obeying a port means, as named checks: a list that any test runner can run. */
export interface ContractSuite {
  readonly name: string;
  readonly checks: readonly ContractCheck[];
}

/** The part of a test runner that `runContract` needs: vitest, node:test, jest and mocha have it. */
export interface TestRunner {
  describe(name: string, body: () => void): unknown;
  it(name: string, body: () => Promise<void>): unknown;
}

/** Makes a test of each check: `runContract(authenticatorContract(...), { describe, it })`. */
export const runContract = (suite: ContractSuite, { describe, it }: TestRunner): void => {
  describe(suite.name, () => {
    for (const { name, run } of suite.checks) {
      it(name, async () => {
        await run();
      });
    }
  });
};

/** Runs all checks without a test runner; the names of those that failed, with what they said. */
export const failuresOf = async (suite: ContractSuite): Promise<ReadonlyMap<string, Error>> => {
  const failures = new Map<string, Error>();
  for (const { name, run } of suite.checks) {
    try {
      await run();
    } catch (cause) {
      failures.set(name, cause instanceof Error ? cause : new Error(String(cause)));
    }
  }
  return failures;
};

export const suite = (name: string, checks: Readonly<Record<string, () => void | Promise<void>>>): ContractSuite => ({
  name,
  checks: Object.entries(checks).map(([title, run]) => ({ name: title, run })),
});
