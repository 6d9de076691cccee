import { writeFileSync } from 'node:fs';

const fullName = (test) => `${test.project.name} > ${test.module.relativeModuleId} > ${test.fullName}`;

/**
 * Vitest reporter: writes the numbers, and the name and reason of every test that did not run, to the file named by
 * PPTP_TEST_COUNTS. What breaks outside a test (a file that does not load, a hook, an unhandled rejection) is a failure.
 */
export default class CountReporter {
  onTestRunEnd(modules, unhandledErrors) {
    const counts = { passed: 0, failed: unhandledErrors.length, skipped: 0 };
    const notRun = [];
    for (const module of modules) {
      counts.failed += module.errors().length;
      for (const suite of module.children.allSuites()) counts.failed += suite.errors().length;
      for (const test of module.children.allTests()) {
        const { state, note } = test.result();
        if (state === 'passed' || state === 'failed') counts[state] += 1;
        else {
          counts.skipped += 1;
          notRun.push({ name: fullName(test), reason: note ?? (state === 'pending' ? 'the run ended before it' : '') });
        }
      }
    }
    writeFileSync(process.env.PPTP_TEST_COUNTS, JSON.stringify({ counts, notRun }));
  }
}
