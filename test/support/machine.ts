import { type ChildProcess, execFile, execFileSync, spawn } from 'node:child_process';
import { once } from 'node:events';
import { existsSync, mkdtempSync, readdirSync, readFileSync, rmSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { setTimeout as delay } from 'node:timers/promises';
import { type Netns, netnsUnavailable, ROOT } from './netns.ts';
import { PATIENCE_MS } from './patience.ts';

const SCRIPTS = join(ROOT, 'test', 'e2e', 'machine');
const MOST_OCTETS = 16 << 20;
const POLL_MS = 50;
/** What one command in a machine may take. */
const MOST_MS = 2 * PATIENCE_MS;

/** Why machines cannot be had here; undefined when they can. */
export const machineUnavailable = (): string | undefined => {
  const reason = netnsUnavailable('nft');
  if (reason !== undefined) return reason;
  const cgroups = ['/sys/fs/cgroup/unified/cgroup.controllers', '/sys/fs/cgroup/cgroup.controllers'];
  if (!cgroups.some((path) => existsSync(path))) return 'there are no cgroups of version 2';
  return undefined;
};

/** Makes the Debian root of machines if it is not there yet, and says where it is. */
export const machineRoot = (): Promise<string> =>
  new Promise((resolve, reject) => {
    execFile(join(SCRIPTS, 'root.sh'), ['ensure'], { maxBuffer: MOST_OCTETS }, (error, stdout, stderr) => {
      if (error === null) resolve(stdout.trim());
      else reject(new Error(`the root of machines cannot be had: ${stderr}`));
    });
  });

export interface Ran {
  readonly status: number;
  /** Both outputs. */
  readonly output: string;
}

export interface MachineOptions {
  readonly netns: Netns;
  readonly root: string;
  /** Process 1. */
  readonly command: readonly string[];
  /** Nothing can be written but /tmp, /run and these folders. */
  readonly onlyWritable?: readonly string[];
}

/** A Debian with namespaces of its own above a root that stays as it is; it lasts as long as its process 1. */
export class Machine {
  readonly folder: string;
  readonly #child: ChildProcess;
  #output = '';
  #cgroup: string | undefined;
  #first = 0;

  constructor(folder: string, { netns, root, command, onlyWritable }: MachineOptions) {
    this.folder = folder;
    const env =
      onlyWritable === undefined ? {} : { PPTP_TEST_READ_ONLY: '1', PPTP_TEST_VOLUMES: onlyWritable.join(' ') };
    // Of an earlier machine in this folder.
    rmSync(join(folder, 'cgroup'), { force: true });
    // It must not outlive a test run that is killed.
    const words = ['--pdeathsig', 'TERM', join(SCRIPTS, 'machine.sh'), folder, root, netns.name, ...command];
    this.#child = spawn('setpriv', words, {
      env: { ...process.env, ...env },
      stdio: ['ignore', 'pipe', 'pipe'],
    });
    for (const stream of [this.#child.stdout, this.#child.stderr])
      stream?.on('data', (chunk) => {
        this.#output += String(chunk);
      });
  }

  static newFolder(): string {
    return mkdtempSync(join(tmpdir(), 'pptp-machine-'));
  }

  /** What process 1 has written. */
  get output(): string {
    return this.#output;
  }

  /** Number of its process 1 among those of this host. */
  async first(): Promise<number> {
    await until(
      () => {
        this.#first = this.#find();
        return this.#first > 0;
      },
      () => `the machine did not start: ${this.#output}`,
    );
    return this.#first;
  }

  /** Runs a command in it, as root unless it says otherwise; `input` is its standard input. */
  async run(command: readonly string[], input = ''): Promise<Ran> {
    const words = ['-t', String(await this.first()), '-a', 'env', '-i', `PATH=${PATH}`, 'LANG=C.UTF-8', ...command];
    return await new Promise((resolve) => {
      const child = execFile(
        'nsenter',
        words,
        { maxBuffer: MOST_OCTETS, timeout: MOST_MS },
        (error, stdout, stderr) => {
          const status = error === null ? 0 : typeof error.code === 'number' ? error.code : -1;
          resolve({ status, output: `${stdout}${stderr}` });
        },
      );
      // Some end before they have read it.
      child.stdin?.on('error', () => undefined).end(input);
    });
  }

  /** The output of a command that has to succeed. */
  async do(...command: readonly string[]): Promise<string> {
    const { status, output } = await this.run(command);
    if (status !== 0) throw new Error(`${command.join(' ')}: status ${status}\n${output}`);
    return output.trim();
  }

  /** Runs the command again and again until it succeeds and its output fits. */
  async awaits(fits: RegExp, ...command: readonly string[]): Promise<string> {
    let last: Ran = { status: -1, output: '' };
    await until(
      async () => {
        last = await this.run(command);
        return last.status === 0 && fits.test(last.output);
      },
      () => `${command.join(' ')} never said ${fits}, but: ${last.output}`,
    );
    return last.output;
  }

  /** Waits for the end of process 1; its exit status. */
  async ended(): Promise<number> {
    if (this.#child.exitCode === null && this.#child.signalCode === null) await once(this.#child, 'close');
    return this.#child.exitCode ?? -1;
  }

  /** Ends process 1 and with it everything. The exit status of process 1, -1 for none. */
  async end(signal: NodeJS.Signals = 'SIGKILL'): Promise<number> {
    const first = this.#find();
    if (first > 0) process.kill(first, signal);
    else this.#child.kill('SIGTERM');
    return await this.ended();
  }

  remove(): void {
    rmSync(this.folder, { recursive: true, force: true });
  }

  #find(): number {
    try {
      this.#cgroup ??= readFileSync(join(this.folder, 'cgroup'), 'utf8').trim();
      const cgroup = this.#cgroup;
      const lists = [
        cgroup,
        ...readdirSync(cgroup, { recursive: true, encoding: 'utf8' }).map((one) => join(cgroup, one)),
      ];
      const numbers = lists
        .filter((path) => existsSync(join(path, 'cgroup.procs')))
        .flatMap((path) => readFileSync(join(path, 'cgroup.procs'), 'utf8').trim().split('\n'));
      const first = numbers.filter((number) => number !== '').find((number) => isFirst(number));
      return Number(first ?? 0);
    } catch {
      return 0;
    }
  }
}

const PATH = '/usr/local/sbin:/usr/local/bin:/usr/sbin:/usr/bin:/sbin:/bin';

/** Process 1 of another namespace, once it has become the command that it is to be. */
const isFirst = (number: string): boolean => {
  const status = readFileSync(`/proc/${number}/status`, 'utf8');
  if (!/^NSpid:\s+\d+\s+1$/m.test(status)) return false;
  return !/^(bash|unshare)$/m.test(readFileSync(`/proc/${number}/comm`, 'utf8').trim());
};

/** Looks again and again until it is so. */
export const until = async (
  isSo: () => boolean | Promise<boolean>,
  otherwise: () => string,
  mostMs = PATIENCE_MS,
): Promise<void> => {
  const end = Date.now() + mostMs;
  while (!(await isSo())) {
    if (Date.now() > end) throw new Error(otherwise());
    await delay(POLL_MS);
  }
};

/** Runs a command in the root of a machine before it starts: an overlay above it that `machine.sh` will find. */
export const inRoot = (folder: string, root: string, ...command: readonly string[]): string =>
  execFileSync(
    'unshare',
    [
      ...['--mount', '--propagation', 'private', 'bash', '-euc'],
      'mkdir -p "$1"/tree "$1"/upper "$1"/work; mount -t overlay overlay -o "lowerdir=$2,upperdir=$1/upper,workdir=$1/work" "$1/tree"; ' +
        'mount -t proc proc "$1/tree/proc"; tree=$1/tree; shift 2; exec env -i PATH="$PATH" chroot "$tree" "$@"',
      ...['in-root', folder, root, ...command],
    ],
    { encoding: 'utf8', stdio: ['ignore', 'pipe', 'pipe'], env: { ...process.env, PATH } },
  );
