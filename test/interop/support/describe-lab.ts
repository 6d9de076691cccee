import { afterAll, afterEach, beforeAll, describe, test } from 'vitest';
import { labAvailability, labRequired } from './availability.ts';
import { Lab } from './lab.ts';

/**
 * A group of tests with a lab of its own, up before the first and down after the last whatever happens between. Where
 * no lab can be had the group is skipped and named with the reason; with PPTP_REQUIRE_LAB=1 that is a failure.
 */
export async function describeWithLab(title: string, body: (lab: () => Lab) => void): Promise<void> {
  const availability = await labAvailability();
  if (!availability.available) {
    const verdict = `${title}: no lab, ${availability.reason}`;
    if (labRequired) {
      test(verdict, () => {
        throw new Error(`PPTP_REQUIRE_LAB=1, but ${availability.reason}`);
      });
    } else {
      console.warn(`skipped: ${verdict}`);
      test.skip(verdict, () => undefined);
    }
    return;
  }
  describe(title, () => {
    let lab: Lab | undefined;
    beforeAll(async () => {
      lab = await Lab.up();
    });
    afterAll(async () => {
      await lab?.down();
    });
    afterEach(async ({ task }) => {
      if (task.result?.state === 'fail') await lab?.endCalls();
    });
    body(() => {
      if (lab === undefined) throw new Error('the lab is up only while tests run');
      return lab;
    });
  });
}
