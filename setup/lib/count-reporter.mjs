import { writeFileSync } from 'node:fs';

const fullName = (test) => `${test.project.name} > ${test.module.relativeModuleId} > ${test.fullName}`;

const reasonOf = (errors) => String(errors?.[0]?.message ?? errors?.[0] ?? '').split('\n', 1)[0];

/**
 * Vitest reporter: writes the numbers, and the name and reason of every test that failed, did not run, or passed at
 * the second try only (`again`), to the file
 * named by PPTP_TEST_COUNTS. What breaks outside a test (a file that does not load, a hook, an unhandled rejection) is a failure.
 */
export default class CountReporter {
  onTestRunEnd(modules, unhandledErrors) {
    const counts = { passed: 0, failed: 0, skipped: 0 };
    const failures = [];
    const notRun = [];
    const again = [];
    const broken = (name, errors) => {
      counts.failed += errors.length;
      for (const error of errors) failures.push({ name, reason: reasonOf([error]) });
    };
    broken('unhandled error', unhandledErrors);
    for (const module of modules) {
      broken(`${module.project.name} > ${module.relativeModuleId}`, module.errors());
      for (const suite of module.children.allSuites()) broken(fullName(suite), suite.errors());
      for (const test of module.children.allTests()) {
        const { state, note, errors } = test.result();
        if (state === 'passed' && test.diagnostic()?.flaky)
          again.push({ name: fullName(test), reason: reasonOf(errors) });
        if (state === 'failed') failures.push({ name: fullName(test), reason: reasonOf(errors) });
        if (state === 'passed' || state === 'failed') counts[state] += 1;
        else {
          counts.skipped += 1;
          notRun.push({ name: fullName(test), reason: note ?? (state === 'pending' ? 'the run ended before it' : '') });
        }
      }
    }
    writeFileSync(process.env.PPTP_TEST_COUNTS, JSON.stringify({ counts, failures, notRun, again }));
  }
}
