import { execFile } from 'node:child_process';
import { existsSync } from 'node:fs';
import { cp, mkdir, mkdtemp, rm, symlink } from 'node:fs/promises';
import { tmpdir } from 'node:os';
import { join, resolve } from 'node:path';
import { promisify } from 'node:util';

const ROOT = resolve(import.meta.dirname, '..', '..');
const TSC = join(ROOT, 'node_modules', 'typescript', 'bin', 'tsc');
const run = promisify(execFile);

export interface Ran {
  readonly code: number;
  /** Standard output and standard error. */
  readonly text: string;
}

/**
 * Compiles the gateway with its declarations, as its own set-up does; next to nothing when that has been done. Wrong types in it
 * are told by a check of their own.
 */
export const buildGateway = async (): Promise<void> => {
  const { code, text } = await ran(process.execPath, [TSC, '-b', 'testing'], ROOT);
  if (code !== 0 && !existsSync(join(ROOT, 'dist', 'testing', 'index.js')))
    throw new Error(`the gateway does not compile:\n${text}`);
};

/** Runs a program to its end; `environment` is added to that of the tests, without what npm and vitest put there. */
export const ran = async (
  program: string,
  args: readonly string[],
  cwd: string,
  environment: Readonly<Record<string, string>> = {},
): Promise<Ran> => {
  const own = Object.entries(process.env).filter(([name]) => !/^(npm_|NODE_|VITEST|PPTP_|OTEL_)/.test(name));
  const env = { ...Object.fromEntries(own), ...environment };
  try {
    const { stdout, stderr } = await run(program, [...args], { cwd, env, maxBuffer: 2 ** 24 });
    return { code: 0, text: `${stdout}${stderr}` };
  } catch (cause) {
    const { code, stdout, stderr } = cause as {
      readonly code?: unknown;
      readonly stdout?: string;
      readonly stderr?: string;
    };
    return { code: typeof code === 'number' ? code : 1, text: `${stdout ?? ''}${stderr ?? String(cause)}` };
  }
};

/**
 * A folder outside of the repository. Its packages find the gateway, TypeScript and Node's types as they would after
 * `npm install`, which for folders makes links, too.
 */
export class Outside {
  readonly folder: string;

  private constructor(folder: string) {
    this.folder = folder;
  }

  static async empty(): Promise<Outside> {
    return new Outside(await mkdtemp(join(tmpdir(), 'pptp-outside-')));
  }

  /** With everything installed that packages below it need. */
  static async make(): Promise<Outside> {
    const { folder } = await Outside.empty();
    const modules = join(folder, 'node_modules');
    await mkdir(join(modules, '@types'), { recursive: true });
    await mkdir(join(modules, '.bin'));
    await symlink(ROOT, join(modules, 'pptp-gateway'), 'dir');
    for (const name of ['typescript', '@types/node']) {
      await symlink(join(ROOT, 'node_modules', name), join(modules, name), 'dir');
    }
    await symlink(TSC, join(modules, '.bin', 'tsc'));
    return new Outside(folder);
  }

  path(...parts: readonly string[]): string {
    return join(this.folder, ...parts);
  }

  /** A copy of a package of the repository, without what was built in it. */
  async copy(source: string, name: string): Promise<string> {
    const target = this.path(name);
    const wanted = (path: string): boolean => !/\/(node_modules|dist)(\/|$)/.test(path.slice(ROOT.length));
    await cp(join(ROOT, source), target, { recursive: true, filter: wanted });
    return target;
  }

  /** A command as one types it, with the programs of installed packages on the path. */
  sh(command: string, cwd = this.folder, environment: Readonly<Record<string, string>> = {}): Promise<Ran> {
    const PATH = `${this.path('node_modules', '.bin')}:${process.env['PATH'] ?? ''}`;
    return ran('/bin/sh', ['-c', command], cwd, { PATH, ...environment });
  }

  tsc(...args: readonly string[]): Promise<Ran> {
    return ran(process.execPath, [TSC, ...args], this.folder);
  }

  async remove(): Promise<void> {
    await rm(this.folder, { recursive: true, force: true });
  }
}

export const GATEWAY_FOLDER = ROOT;
