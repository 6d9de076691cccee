import type { ProductionPackage } from './production.mjs';
export function licenceProblems(packages: readonly ProductionPackage[]): readonly string[];
