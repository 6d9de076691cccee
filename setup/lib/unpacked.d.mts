import type { Facts } from './preflight.mjs';
export const UNPACKED_PROGRAMS: Readonly<
  Record<
    string,
    {
      readonly packages: readonly string[];
      readonly libraries?: boolean;
      readonly path?: string;
      readonly folder?: string;
      readonly scripts?: Readonly<Record<string, string>>;
    }
  >
>;
export const unpackedPrograms: string;
export function unpackPrograms(facts: Pick<Facts, 'isRoot' | 'hasApt' | 'isInstalled'>): Promise<void>;
