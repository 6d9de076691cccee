import { existsSync, readdirSync, statSync } from 'node:fs';
import { mkdir, writeFile } from 'node:fs/promises';
import { dirname, join, resolve } from 'node:path';
import { fileURLToPath } from 'node:url';
import { type Command, Option } from 'commander';
import { GatewayError } from '../../core/errors.ts';
import { SCAFFOLD_KINDS } from '../scaffold/kinds.ts';
import { scaffoldNames } from '../scaffold/names.ts';
import { packageFiles } from '../scaffold/package-files.ts';
import type { CliTerminal } from './terminal.ts';

/** What the verb needs of the command line. */
export interface NewPluginVerbs {
  readonly version: string;
  readonly terminal: Pick<CliTerminal, 'out'>;
  finish(code: number): void;
}

/** The folder of this gateway: of its sources, and above `dist` of what was compiled. */
const gatewayFolder = (): string => {
  const above = resolve(dirname(fileURLToPath(import.meta.url)), '..', '..');
  return existsSync(join(above, 'package.json')) ? above : dirname(above);
};

/** Adds `plugins new NAME`. */
export const addNewPluginVerb = (plugins: Command, { version, terminal, finish }: NewPluginVerbs): void => {
  const kinds = [...SCAFFOLD_KINDS.keys()];
  const verb = plugins
    .command('new')
    .argument('<name>', 'name of the package, such as acme-directory or @acme/directory')
    .description('Writes a package with a plug-in that works, its tests included, to start from.')
    .addOption(new Option('--kind <kind>', 'what it is').choices(kinds).default('authenticator'))
    .option('--dir <folder>', 'where to write it (default: a new folder with its name, here)');
  verb.action(async (name: string) => {
    const { kind, dir } = verb.opts<{ readonly kind: string; readonly dir?: string }>();
    const folder = await writePlugin({ name, kind, version, ...(dir === undefined ? {} : { dir }) });
    terminal.out(`${folder} holds a plug-in of the kind ${kind}. Now:`);
    for (const line of [`cd ${folder}`, 'npm install', 'npm test']) terminal.out(`  ${line}`);
    finish(0);
  });
};

export interface NewPlugin {
  readonly name: string;
  readonly kind: string;
  readonly dir?: string;
  readonly version: string;
}

/** Writes the package and resolves with its folder. Rejects with PLUGIN_INVALID where it cannot; writes nothing then. */
export async function writePlugin({ name, kind, dir, version }: NewPlugin): Promise<string> {
  const names = scaffoldNames(name, gatewayFolder(), version);
  if (names === undefined) {
    const wanted = 'lower-case letters, digits and single hyphens, beginning with a letter, with or without a scope';
    throw new GatewayError('PLUGIN_INVALID', `"${name}" cannot be the name of a plug-in: it must be ${wanted}.`);
  }
  const files = packageFiles(names, kind);
  if (files === undefined) {
    const known = [...SCAFFOLD_KINDS.keys()].join(', ');
    throw new GatewayError('PLUGIN_INVALID', `"${kind}" is no kind of plug-in to begin with; there are: ${known}.`);
  }
  const folder = resolve(dir ?? names.plugin);
  if (!isFree(folder)) {
    throw new GatewayError(
      'PLUGIN_INVALID',
      `${folder} is there and not empty: nothing is overwritten; choose another --dir.`,
    );
  }
  try {
    for (const [path, text] of files) {
      await mkdir(dirname(join(folder, path)), { recursive: true });
      await writeFile(join(folder, path), text, { flag: 'wx' });
    }
  } catch (cause) {
    const why = cause instanceof Error ? cause.message : String(cause);
    throw new GatewayError('PLUGIN_INVALID', `${folder} cannot be written: ${why}`, { cause });
  }
  return folder;
}

/** Not there, or a folder with nothing of anybody's in it. */
function isFree(folder: string): boolean {
  if (!existsSync(folder)) return true;
  return statSync(folder).isDirectory() && readdirSync(folder).every((entry) => entry === '.git');
}
