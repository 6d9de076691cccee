import { mkdtemp, readFile, rm } from 'node:fs/promises';
import { availableParallelism, tmpdir } from 'node:os';
import { join } from 'node:path';
import { runCommand } from './command.mjs';

/** Vitest leaves one processor to others, which on a small machine is half of it. */
export const allProcessors = `--maxWorkers=${availableParallelism()}`;

/** Runs vitest with a Node of choice in a checkout of choice and resolves with what count-reporter.mjs wrote. */
export const runVitest = async (args, { cwd, node = process.execPath, env = {}, stdout = 'inherit' }) => {
  const folder = await mkdtemp(join(tmpdir(), 'pptp-counts-'));
  const file = join(folder, 'counts.json');
  try {
    const vitest = join(cwd, 'node_modules', 'vitest', 'vitest.mjs');
    const reporters = ['--reporter=default', `--reporter=${join(cwd, 'setup', 'lib', 'count-reporter.mjs')}`];
    const code = await runCommand(node, [vitest, 'run', ...reporters, ...args], {
      cwd,
      stdout,
      env: { ...env, PPTP_TEST_COUNTS: file },
    });
    const report = await readFile(file, 'utf8').then(JSON.parse, () => undefined);
    if (report === undefined) {
      const failures = [{ name: 'vitest', reason: `it ended with status ${code} and left no counts` }];
      return { counts: { passed: 0, failed: 1, skipped: 0 }, failures, notRun: [], again: [] };
    }
    // Vitest found fault with something that is no test, coverage thresholds for instance.
    if (code !== 0 && report.counts.failed === 0) {
      report.counts.failed = 1;
      report.failures.push({ name: 'vitest', reason: `it ended with status ${code}, though no test failed` });
    }
    return report;
  } finally {
    await rm(folder, { recursive: true, force: true });
  }
};
