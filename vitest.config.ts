import { defineConfig } from 'vitest/config';

/** Kinds of test, quickest first; each is a folder under test/ (see CONTRIBUTING.md). */
const parallel = ['unit', 'conformance', 'property', 'contract', 'architecture', 'scenario'] as const;
/** These own namespaces, ports and guests of the machine: one file at a time. */
const serial = ['e2e', 'interop'] as const;

export default defineConfig({
  test: {
    projects: [
      ...parallel.map((name) => ({
        test: { name, include: [`test/${name}/**/*.test.ts`], setupFiles: ['test/support/setup.ts'] },
      })),
      ...serial.map((name) => ({
        test: {
          name,
          include: [`test/${name}/**/*.test.ts`],
          setupFiles: ['test/support/setup.ts'],
          fileParallelism: false,
          testTimeout: 120_000,
          hookTimeout: 300_000,
        },
      })),
    ],
  },
});
