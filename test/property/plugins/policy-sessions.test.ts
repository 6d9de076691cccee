import fc from 'fast-check';
import { describe, expect, it } from 'vitest';
import { silentLog } from '../../../core/ports/log.ts';
import { SessionsPolicy } from '../../../plugins/policy-sessions/index.ts';
import { neverAborted, PolicyWorld, request } from '../../support/policy-world.ts';

describe('log-ins of one user in several workers, in any order of what happens', () => {
  it.each(['refuse', 'replace'] as const)('never leave more than the limit, and never none (%s)', async (onLimit) => {
    await fc.assert(
      fc.asyncProperty(
        fc.scheduler(),
        fc.integer({ min: 1, max: 3 }),
        fc.array(fc.record({ startedAt: fc.nat(3), worker: fc.nat(1) }), { minLength: 1, maxLength: 5 }),
        async (scheduler, limit, logIns) => {
          const pause = (): Promise<unknown> => scheduler.schedule(Promise.resolve());
          const world = new PolicyWorld(pause);
          const options = { limit, onLimit, users: new Map<string, number>() };
          const workers = [0, 1].map(() => new SessionsPolicy(options, world, silentLog));
          let now = 10;
          const logIn = async (startedAt: number, index: number, policy: SessionsPolicy | undefined): Promise<void> => {
            await pause();
            const facts = world.proven(`s${index}`, 'alice', startedAt);
            const answer = await policy?.admit(request(facts, now), neverAborted);
            await pause();
            if (answer?.admit !== true) world.facts.delete(facts.id);
            now += 1;
            // Two workers may have the same time.
            const up = world.up(facts.id, now - (now % 2));
            if (up !== undefined) policy?.up(up);
          };
          const all = logIns.map(({ startedAt, worker }, index) => logIn(startedAt, index, workers[worker]));
          await scheduler.waitIdle();
          await Promise.all(all);
          await scheduler.waitIdle();
          expect(world.facts.size).toBeLessThanOrEqual(limit);
          expect(world.facts.size).toBeGreaterThanOrEqual(1);
        },
      ),
      { numRuns: 300 },
    );
  });
});
