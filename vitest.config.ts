import { defineConfig } from 'vitest/config';
import { PATIENCE_MS } from './test/support/patience.ts';

/** Kinds of test, quickest first; each is a folder under test/ (see CONTRIBUTING.md). */
const parallel = ['unit', 'conformance', 'property', 'contract', 'architecture', 'scenario'] as const;
/** These own namespaces, ports and guests of the machine: one file at a time. */
const serial = ['e2e', 'interop'] as const;

/** Bounds what hangs and nothing else: the defaults (1 s, and 5 s for a test) judge how busy the machine is. */
const expect = { poll: { timeout: PATIENCE_MS } };

export default defineConfig({
  test: {
    projects: [
      ...parallel.map((name) => ({
        test: {
          name,
          include: [`test/${name}/**/*.test.ts`],
          setupFiles: ['test/support/setup.ts'],
          testTimeout: 60_000,
          hookTimeout: 60_000,
          expect,
        },
      })),
      ...serial.map((name) => ({
        test: {
          name,
          include: [`test/${name}/**/*.test.ts`],
          setupFiles: ['test/support/setup.ts'],
          fileParallelism: false,
          testTimeout: 240_000,
          hookTimeout: 300_000,
          // Real networks lose packets. What passes at the second try only is named at the end of the run.
          retry: 1,
          expect,
        },
      })),
    ],
  },
});
