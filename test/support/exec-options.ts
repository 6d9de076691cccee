import { fileURLToPath } from 'node:url';
import type { ExecOptions } from '../../plugins/backend-exec/index.ts';

export const EXEC_PROGRAM = fileURLToPath(new URL('./exec-program.mjs', import.meta.url));

/** The settings with their usual values, and the program of the tests. */
export const execOptions = (changes: Partial<ExecOptions> = {}): ExecOptions => ({
  command: process.execPath,
  arguments: [EXEC_PROGRAM],
  environment: {},
  folder: '/',
  uid: undefined,
  gid: undefined,
  proofs: ['pap'],
  processes: 1,
  perProcess: 16,
  queue: 256,
  timeoutSeconds: 5,
  traffic: true,
  fixedAddresses: new Set(),
  ...changes,
});
