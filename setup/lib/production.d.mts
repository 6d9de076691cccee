export interface ProductionPackage {
  /** Below the checkout: node_modules/pino. */
  readonly path: string;
  readonly name: string;
  readonly version: string;
  readonly license: string | undefined;
}
export function productionPackages(lock: unknown, isThere?: (path: string) => boolean): readonly ProductionPackage[];
export function installedPackages(): Promise<readonly ProductionPackage[]>;
/** Rejects with a SetupError where something is there, or where it is no folder. */
export function requireEmpty(target: string): Promise<void>;
export function copyProduction(target: string): Promise<void>;
export function ownVersion(): Promise<string>;
