import { defineConfig } from 'vitest/config';

/** Tests that run inside a network namespace; the files of test/e2e start them (see test/support/netns.ts). */
export default defineConfig({
  test: {
    include: ['test/e2e/inside/**/*.inside.ts'],
    setupFiles: ['test/support/setup.ts'],
    // raw-socket works on the main thread of a process only.
    pool: 'forks',
    fileParallelism: false,
    testTimeout: 20_000,
  },
});
