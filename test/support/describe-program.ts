import { spawnSync } from 'node:child_process';
import { describe, test } from 'vitest';

/**
 * A group of tests that call a program. Where there is none the group is skipped and named with the reason; with
 * PPTP_REQUIRE_LAB=1 that is a failure.
 */
export const describeWithProgram = (program: string, title: string, body: () => void): void => {
  if (spawnSync(program, ['--version']).status === 0) {
    describe(title, body);
    return;
  }
  const verdict = `${title}: there is no ${program} on this machine`;
  if (process.env['PPTP_REQUIRE_LAB'] === '1') {
    test(verdict, () => {
      throw new Error(`PPTP_REQUIRE_LAB=1, but ${verdict}`);
    });
    return;
  }
  console.warn(`skipped: ${verdict}`);
  test.skip(verdict, () => undefined);
};
