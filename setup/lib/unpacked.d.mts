import type { Facts } from './preflight.mjs';
export const UNPACKED_PROGRAMS: Readonly<
  Record<string, { readonly package: string; readonly path?: string; readonly folder?: string }>
>;
export const unpackedPrograms: string;
export function unpackPrograms(facts: Pick<Facts, 'isRoot' | 'hasApt' | 'isInstalled'>): Promise<void>;
