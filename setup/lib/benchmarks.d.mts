export interface Benchmark {
  readonly name: string;
  /** The program. */
  readonly file: string;
  readonly native?: boolean;
  readonly comparators?: boolean;
  readonly byName?: boolean;
  /** Options of a quick run. */
  readonly quick?: readonly string[];
}
export function chooseBenchmarks(
  where: { readonly folder: string; readonly built: string },
  words: readonly string[],
  quick: boolean,
): Promise<readonly Benchmark[]>;
export interface BenchmarkRun {
  /** Where each leaves its report. */
  readonly folder: string;
  readonly options: readonly string[];
  readonly quick: boolean;
  readonly cwd?: string;
  readonly env?: Readonly<Record<string, string>>;
  readonly stdout?: 'inherit' | 'stderr' | 'ignore';
  readonly started?: (name: string) => void;
}
/** A report, or `failed` with a reason. */
export interface Found {
  readonly benchmark: string;
  readonly failed?: string;
}
export function runBenchmarks(chosen: readonly Benchmark[], run: BenchmarkRun): Promise<readonly Found[]>;
