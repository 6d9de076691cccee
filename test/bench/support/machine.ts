import { execFileSync } from 'node:child_process';
import { readFileSync } from 'node:fs';
import { cpus, loadavg, release, totalmem } from 'node:os';

/** Where, when and from which sources something was measured. */
export interface Circumstances {
  readonly date: string;
  readonly machine: string;
  readonly cpus: number;
  readonly cpu: string;
  readonly memoryGib: number;
  readonly kernel: string;
  readonly node: string;
  /** Of the sources, `+` behind it when they were changed since; `unknown` outside of a checkout. */
  readonly commit: string;
  readonly command: string;
}

const git = (...args: readonly string[]): string =>
  execFileSync('git', ['--no-optional-locks', ...args], { encoding: 'utf8', stdio: ['ignore', 'pipe', 'ignore'] });

const commit = (): string => {
  try {
    const changed = git('status', '--porcelain', '--untracked-files=no').trim() !== '';
    return `${git('rev-parse', '--short=10', 'HEAD').trim()}${changed ? '+' : ''}`;
  } catch {
    return 'unknown';
  }
};

export const circumstances = (command: string): Circumstances => {
  const cpu = cpus()[0]?.model.trim() ?? 'unknown CPU';
  return {
    date: new Date().toISOString(),
    machine: `${cpus().length} × ${cpu}, Linux ${release()}, Node ${process.versions.node}`,
    cpus: cpus().length,
    cpu,
    memoryGib: Math.round(totalmem() / 2 ** 30),
    kernel: release(),
    node: process.versions.node,
    commit: commit(),
    command,
  };
};

const withoutFolder = (word: string): string => word.replace(/^.*\/([^/]+)\.bench\.[jt]s$/, '$1');

/** `npm run bench` with the words that this process was given. */
export const benchCommand = (words: readonly string[]): string =>
  ['npm run bench', ...(words.length > 0 ? ['--'] : []), ...words.map(withoutFolder)].join(' ');

/** What else the machine did, in % of one core; `steal` is what the host took from this guest. */
export interface OtherWork {
  readonly load: number;
  /** In the moment before. */
  readonly before: number;
  /** While it was measured; the kernel's own threads are in it. */
  readonly during: number;
  readonly steal: number;
}

/** More than this beside a measurement makes its times and rates worth little. Tunnels keep the kernel's threads busy. */
const BUSY = { before: 15, during: 30, steal: 10 };

/** Clock ticks since the machine's start: of all processes, and stolen; and of this process and all that it waited for. */
interface Ticks {
  readonly all: number;
  readonly steal: number;
  readonly own: number;
  readonly at: number;
}

/** Of /proc, whatever the kernel's own clock. */
const TICKS_PER_SECOND = 100;

const ticks = (): Ticks => {
  const [user = 0, nice = 0, system = 0, , , , , steal = 0] =
    /^cpu +(.*)$/m.exec(readFileSync('/proc/stat', 'utf8'))?.[1]?.split(' ').map(Number) ?? [];
  // Behind the name, which may have spaces: the state is field 3, utime field 14.
  const fields = readFileSync('/proc/self/stat', 'utf8')
    .replace(/^.*\) /, '')
    .split(' ')
    .map(Number);
  const own = fields.slice(11, 15).reduce((sum, value) => sum + value, 0);
  return { all: user + nice + system, steal, own, at: performance.now() };
};

const percentBetween = (from: Ticks, to: Ticks) => {
  const elapsed = ((to.at - from.at) / 1000) * TICKS_PER_SECOND;
  const of = (amount: number): number => Math.max(0, (100 * amount) / elapsed);
  return { others: of(to.all - from.all - (to.own - from.own)), steal: of(to.steal - from.steal) };
};

/**
 * Watches what others do on this machine from now on. The result tells it when the work is done and its processes have
 * been waited for; undefined where there is no /proc/stat.
 */
export const watchOthers = async (): Promise<() => OtherWork | undefined> => {
  if (process.platform !== 'linux') return () => undefined;
  const load = loadavg()[0] ?? 0;
  const first = ticks();
  await new Promise((resolve) => setTimeout(resolve, 500));
  const second = ticks();
  const before = percentBetween(first, second).others;
  return () => {
    const { others, steal } = percentBetween(second, ticks());
    return { load, before, during: others, steal };
  };
};

/** A sentence about a machine that was not left alone; undefined when it was. */
export const busyRemark = (work: OtherWork | undefined): string | undefined => {
  if (work === undefined) return undefined;
  const { before, during, steal } = work;
  if (before <= BUSY.before && during <= BUSY.during && steal <= BUSY.steal) return undefined;
  const [shownBefore, shownDuring, shownSteal] = [before, during, steal].map((value) => value.toFixed(0));
  return (
    `BUSY MACHINE: others used ${shownBefore} % of a core just before, ${shownDuring} % meanwhile, ` +
    `${shownSteal} % were taken by the host: rates and times say little, ratios and CPU times a little more.`
  );
};
