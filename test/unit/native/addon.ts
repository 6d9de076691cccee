import { execFileSync, spawn } from 'node:child_process';
import { createRequire } from 'node:module';
import { fileURLToPath } from 'node:url';
import type { NativeTun } from '../../../native/tun.d.ts';

const builder = fileURLToPath(new URL('../../../setup/native.mjs', import.meta.url));
export const binary = fileURLToPath(new URL('../../../native/build/Release/pptp_native.node', import.meta.url));

/** Builds the addon when it is out of date, and loads it. */
export function loadAddon(): NativeTun {
  execFileSync(process.execPath, [builder], { stdio: ['ignore', 'ignore', 'pipe'] });
  const load: (path: string) => NativeTun = createRequire(import.meta.url);
  return load(binary);
}

export interface Finished {
  readonly status: number | null;
  readonly signal: NodeJS.Signals | null;
  readonly output: string;
  readonly errors: string;
}

/** Runs a program to its end; `errors` is what it wrote to standard error. */
export function runToEnd(program: string, args: readonly string[]): Promise<Finished> {
  return new Promise((done, fail) => {
    const child = spawn(program, args, { stdio: ['ignore', 'pipe', 'pipe'] });
    let output = '';
    let errors = '';
    child.stdout.on('data', (chunk: Buffer) => {
      output += chunk.toString();
    });
    child.stderr.on('data', (chunk: Buffer) => {
      errors += chunk.toString();
    });
    child.on('error', fail);
    child.on('close', (status, signal) => done({ status, signal, output, errors }));
  });
}

/** Runs `script` as an ES module in a Node of its own, with the addon as `native`. */
export function runWithAddon(script: string, nodeFlags: readonly string[] = []): Promise<Finished> {
  const head = `import { createRequire } from 'node:module';
    const native = createRequire('/')(${JSON.stringify(binary)});\n`;
  return runToEnd(process.execPath, [...nodeFlags, '--input-type=module', '--eval', head + script]);
}
