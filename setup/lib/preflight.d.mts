export interface Facts {
  readonly platform: string;
  readonly nodeVersion: string;
  readonly isRoot: boolean;
  /** CapEff; undefined where there is no /proc. */
  readonly capabilities: bigint | undefined;
  readonly tun: 'usable' | 'missing' | 'refused';
  readonly hasApt: boolean;
  isInstalled(program: string): boolean;
}
export interface Problem {
  readonly code: string;
  readonly message: string;
}
export type Plan =
  | { readonly kind: 'nothing' }
  | { readonly kind: 'install'; readonly packages: readonly string[]; readonly reason: string }
  | { readonly kind: 'tell'; readonly packages: readonly string[]; readonly problem: Problem };
export const RUN_PROGRAMS: Readonly<Record<string, string>>;
export const DIAL_PROGRAMS: Readonly<Record<string, string>>;
export interface Needs {
  readonly devices: boolean;
  readonly programs: Readonly<Record<string, string>>;
  readonly dashboard: boolean;
}
export function needsOf(argv: readonly string[]): Needs | undefined;
export const TEST_PROGRAMS: Readonly<Record<string, string>>;
export const BROWSERS: readonly string[];
export function planBrowser(facts: Facts): Plan;
export function checkMachine(facts: Facts): Problem[];
export function checkRun(facts: Facts): Problem[];
export function planPackages(programs: Readonly<Record<string, string>>, facts: Facts): Plan;
export function planInstall(packages: readonly string[], missing: readonly string[], facts: Facts): Plan;
