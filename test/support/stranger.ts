import { execFile } from 'node:child_process';
import { cp, mkdtemp, readFile, rm, writeFile } from 'node:fs/promises';
import { tmpdir } from 'node:os';
import { join, resolve } from 'node:path';
import { promisify } from 'node:util';

const run = promisify(execFile);

/** The gateway as strangers install it: this checkout, built. */
const GATEWAY = resolve('.');

interface Manifest {
  readonly devDependencies?: Readonly<Record<string, string>>;
}

/** A package of somebody else, in a folder that has nothing to do with this checkout. */
export class Stranger {
  readonly folder: string;

  private constructor(folder: string) {
    this.folder = folder;
  }

  /** Copies the package and installs the gateway into it by its path, as the guide says; no network is needed. */
  static async install(source: string): Promise<Stranger> {
    const folder = await mkdtemp(join(tmpdir(), 'pptp-stranger-'));
    const stranger = new Stranger(folder);
    const isSource = (path: string): boolean => !/\/(node_modules|dist)$/.test(path);
    await cp(source, folder, { recursive: true, filter: isSource });
    await stranger.borrowTools();
    await stranger.npm('install', '--no-audit', '--no-fund', '--offline', '--no-save', GATEWAY);
    return stranger;
  }

  /** Rejects with what npm printed. */
  async npm(...args: readonly string[]): Promise<string> {
    try {
      const { stdout } = await run('npm', args, { cwd: this.folder, maxBuffer: 16 * 1024 * 1024 });
      return stdout;
    } catch (cause) {
      const { stdout = '', stderr = '' } = Object(cause) as { readonly stdout?: string; readonly stderr?: string };
      throw new Error(`npm ${args.join(' ')} failed in ${this.folder}\n${stdout}\n${stderr}`, { cause });
    }
  }

  async remove(): Promise<void> {
    await rm(this.folder, { recursive: true, force: true });
  }

  /** Its compiler and types are the ones that are here already: the versions are compared, nothing is downloaded. */
  private async borrowTools(): Promise<void> {
    const path = join(this.folder, 'package.json');
    const manifest = JSON.parse(await readFile(path, 'utf8')) as Manifest;
    const tools: [string, string][] = [];
    for (const [name, wanted] of Object.entries(manifest.devDependencies ?? {})) {
      if (name === 'pptp-gateway') continue;
      const here = join(GATEWAY, 'node_modules', name);
      const { version } = JSON.parse(await readFile(join(here, 'package.json'), 'utf8')) as {
        readonly version: string;
      };
      if (wanted !== version && wanted !== `^${version}`) throw new Error(`${name} is ${version} here, not ${wanted}`);
      tools.push([name, `file:${here}`]);
    }
    const devDependencies = Object.fromEntries(tools);
    await writeFile(path, `${JSON.stringify({ ...manifest, devDependencies }, undefined, 2)}\n`);
  }
}
