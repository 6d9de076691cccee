import type { Step } from './paging.ts';

const STEPS: ReadonlyMap<string, Step> = new Map([
  ['ArrowDown', 'down'],
  ['j', 'down'],
  ['ArrowUp', 'up'],
  ['k', 'up'],
  ['Home', 'first'],
  ['End', 'last'],
  ['PageDown', 'page-down'],
  ['PageUp', 'page-up'],
]);

export const stepOf = (key: string): Step | undefined => STEPS.get(key);
