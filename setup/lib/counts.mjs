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

const HEADING = 'Failed:';

/** What failed, for the end of a log, where nobody has to look for it; empty when nothing did. */
export const failureList = (failures) =>
  failures.length === 0
    ? ''
    : `\n${HEADING}\n${failures.map(({ name, reason }) => `  ${name}${reason === '' ? '' : `: ${reason}`}\n`).join('')}`;

/** The lines of the last such list of a log, without their indent. */
export const failuresIn = (text) => {
  const found = [...text.matchAll(new RegExp(`^${HEADING}\\r?\\n((?: {2}.*\\n)+)`, 'gm'))].at(-1);
  return found === undefined ? [] : found[1].split(/\r?\n/).flatMap((line) => (line === '' ? [] : [line.slice(2)]));
};

/** A run in which nothing passed has shown nothing. */
export const exitCode = ({ passed, failed }) => (failed > 0 || passed === 0 ? 1 : 0);
