import { performance } from 'node:perf_hooks';
import { memoryUsage } from 'node:process';
import { openDescriptors } from './kernel.ts';

export interface ProcessNumbers {
  /** Seconds. */
  readonly cpu: number;
  readonly startTime: number;
  /** Octets. */
  readonly rss: number;
  readonly heapUsed: number;
  readonly openDescriptors: number | undefined;
}

export const readProcess = (): ProcessNumbers => {
  const { user, system } = process.cpuUsage();
  const { rss, heapUsed } = memoryUsage();
  return {
    cpu: (user + system) / 1e6,
    startTime: performance.timeOrigin / 1000,
    rss,
    heapUsed,
    openDescriptors: openDescriptors(),
  };
};
