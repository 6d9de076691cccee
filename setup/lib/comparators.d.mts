import type { Facts } from './preflight.mjs';
export function prepareComparators(facts: Pick<Facts, 'isRoot' | 'hasApt'>, place?: string): Promise<void>;
