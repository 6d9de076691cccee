import { execFile, execFileSync } from 'node:child_process';
import { accessSync, constants, mkdtempSync, readFileSync, rmSync } from 'node:fs';
import { createRequire } from 'node:module';
import { tmpdir } from 'node:os';
import { dirname, join } from 'node:path';
import { fileURLToPath } from 'node:url';

export const ROOT = join(dirname(fileURLToPath(import.meta.url)), '..', '..');
const VITEST = join(dirname(createRequire(import.meta.url).resolve('vitest/package.json')), 'vitest.mjs');
/** For `node --import`: runs TypeScript without a build. */
export const TS_HOOK = join(ROOT, 'test', 'support', 'ts-hook.mjs');

/** Why tests in network namespaces cannot run here; undefined when they can. */
export const netnsUnavailable = (...programs: readonly string[]): string | undefined => {
  if (process.platform !== 'linux') return `it needs Linux; this is ${process.platform}`;
  if (process.getuid?.() !== 0) return 'it makes network namespaces and needs root';
  try {
    accessSync('/dev/net/tun', constants.R_OK | constants.W_OK);
  } catch {
    return 'there is no usable /dev/net/tun';
  }
  for (const program of ['ip', ...programs]) {
    try {
      execFileSync(program, ['-V'], { stdio: 'pipe' });
    } catch {
      return `the program "${program}" is missing`;
    }
  }
  const probe = `pgt${process.pid}p`;
  try {
    execFileSync('ip', ['netns', 'add', probe], { stdio: 'pipe' });
  } catch {
    return 'network namespaces cannot be made';
  }
  try {
    // Entering one needs more than making one: in a chroot, for example, it fails.
    execFileSync('ip', ['-n', probe, 'link', 'set', 'lo', 'up'], { stdio: 'pipe' });
  } catch {
    return 'network namespaces cannot be entered';
  } finally {
    execFileSync('ip', ['netns', 'del', probe], { stdio: 'pipe' });
  }
  return undefined;
};

/** A network namespace of this test process, with lo up. */
export class Netns {
  readonly name: string;

  constructor(label: string) {
    this.name = `pgt${process.pid}${label}`;
    this.host('netns', 'add', this.name);
    this.ip('link', 'set', 'lo', 'up');
  }

  /** `ip` inside. */
  ip(...args: readonly string[]): string {
    return this.host('-n', this.name, ...args);
  }

  /** The command line that runs a program inside. */
  inside(...command: readonly string[]): readonly [string, readonly string[]] {
    return ['ip', ['netns', 'exec', this.name, ...command]];
  }

  run(...command: readonly string[]): string {
    const [program, args] = this.inside(...command);
    return execFileSync(program, args, { stdio: 'pipe', encoding: 'utf8' });
  }

  /** As `run`, for programs that may fail: their output, errors included, and whether they succeeded. */
  attempt(...command: readonly string[]): { readonly ok: boolean; readonly output: string } {
    try {
      return { ok: true, output: this.run(...command) };
    } catch (cause) {
      return { ok: false, output: cause instanceof Error ? cause.message : String(cause) };
    }
  }

  destroy(): void {
    this.host('netns', 'del', this.name);
  }

  private host(...args: readonly string[]): string {
    return execFileSync('ip', [...args], { stdio: 'pipe', encoding: 'utf8' });
  }
}

/** A veth pair between two namespaces; addresses are given with prefix length. */
export const connect = (
  left: { readonly ns: Netns; readonly device: string; readonly addresses: readonly string[] },
  right: { readonly ns: Netns; readonly device: string; readonly addresses: readonly string[] },
): void => {
  left.ns.ip('link', 'add', left.device, 'type', 'veth', 'peer', 'name', right.device, 'netns', right.ns.name);
  for (const side of [left, right]) {
    for (const address of side.addresses) side.ns.ip('address', 'add', address, 'dev', side.device);
    side.ns.ip('link', 'set', side.device, 'up');
  }
};

export interface InsideResult {
  readonly passed: number;
  /** Full names and messages. */
  readonly failures: readonly string[];
}

interface JsonReport {
  readonly numPassedTests: number;
  readonly testResults: readonly {
    readonly status: string;
    readonly message: string;
    readonly assertionResults: readonly {
      readonly status: string;
      readonly fullName: string;
      readonly failureMessages: readonly string[];
    }[];
  }[];
}

/** Runs a file of test/e2e/inside as a vitest of its own whose process lives in the namespace. */
export const runInside = (
  ns: Netns,
  file: string,
  env: Readonly<Record<string, string>> = {},
): Promise<InsideResult> => {
  const folder = mkdtempSync(join(tmpdir(), 'pptp-inside-'));
  const report = join(folder, 'report.json');
  const config = join('test', 'e2e', 'inside', 'vitest.config.ts');
  const [program, args] = ns.inside(
    process.execPath,
    VITEST,
    'run',
    '--config',
    config,
    '--reporter=json',
    `--outputFile=${report}`,
    join('test', 'e2e', 'inside', file),
  );
  return new Promise((resolve) => {
    execFile(
      program,
      [...args],
      { cwd: ROOT, env: { ...process.env, ...env }, maxBuffer: 1 << 26 },
      (_, stdout, stderr) => {
        try {
          resolve(readReport(readFileSync(report, 'utf8')));
        } catch {
          resolve({ passed: 0, failures: [`no report: ${stdout}${stderr}`] });
        } finally {
          rmSync(folder, { recursive: true, force: true });
        }
      },
    );
  });
};

const readReport = (text: string): InsideResult => {
  const report: JsonReport = JSON.parse(text);
  const failures = report.testResults.flatMap((suite) => [
    ...(suite.status === 'failed' && suite.assertionResults.length === 0 ? [suite.message] : []),
    ...suite.assertionResults
      .filter((test) => test.status === 'failed')
      .map((test) => `${test.fullName}: ${test.failureMessages.join('; ')}`),
  ]);
  return { passed: report.numPassedTests, failures };
};
