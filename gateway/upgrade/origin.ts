/** How this process was started; asked before anything changes it. */
export interface Origin {
  readonly script: string;
  readonly args: readonly string[];
  readonly execArgv: readonly string[];
  readonly env: NodeJS.ProcessEnv;
  readonly cwd: string;
}

export const originOfProcess = (): Origin => ({
  script: process.argv[1] ?? '',
  args: process.argv.slice(2),
  execArgv: [...process.execArgv],
  env: { ...process.env },
  cwd: process.cwd(),
});
