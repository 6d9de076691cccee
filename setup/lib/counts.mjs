/** Numbers of tests: the last line of every test command. */
export const none = { passed: 0, failed: 0, skipped: 0 };

export const add = (a, b) => ({
  passed: a.passed + b.passed,
  failed: a.failed + b.failed,
  skipped: a.skipped + b.skipped,
});

export const countLine = ({ passed, failed, skipped }) => `${passed} passed, ${failed} failed, ${skipped} skipped`;

/** The counts of the last counted line of a log; undefined when there is none. */
export const lastCounts = (text) => {
  const found = [...text.matchAll(/^(\d+) passed, (\d+) failed, (\d+) skipped\r?$/gm)].at(-1);
  if (found === undefined) return undefined;
  const [passed, failed, skipped] = found.slice(1).map(Number);
  return { passed, failed, skipped };
};

/** A run in which nothing passed has shown nothing. */
export const exitCode = ({ passed, failed }) => (failed > 0 || passed === 0 ? 1 : 0);
