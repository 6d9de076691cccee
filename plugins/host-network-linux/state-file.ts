import { mkdir, open, readFile, rename, rm } from 'node:fs/promises';
import { dirname } from 'node:path';
import type { Command } from './host-system.ts';
import { isRemoval } from './nft-table.ts';
import type { UndoStep } from './plan.ts';
import { isSysctlPath } from './sysctl.ts';

/** What a gateway changed on the host, written before it changes anything. */
export interface HostState {
  readonly version: 1;
  /** After a reboot, or in another network namespace, the record means nothing. */
  readonly bootId: string;
  readonly networkNamespace: string;
  readonly pid: number;
  /** Of the process, in clock ticks since boot: tells it from a later one with the same number. */
  readonly startTime: string;
  readonly interfaceName: string;
  readonly undo: readonly UndoStep[];
}

/** Survives a crash at any moment: the file is either the old or the new one, whole. */
export const saveState = async (path: string, state: HostState): Promise<void> => {
  await mkdir(dirname(path), { recursive: true, mode: 0o700 });
  const draft = `${path}.${process.pid}.new`;
  // The folder may be an ordinary user's, who could have put a link there to a file that only root may write.
  await rm(draft, { force: true });
  const file = await open(draft, 'wx', 0o600);
  try {
    await file.writeFile(`${JSON.stringify(state, null, 2)}\n`);
    await file.sync();
  } finally {
    await file.close();
  }
  await rename(draft, path);
};

export const forgetState = (path: string): Promise<void> => rm(path, { force: true });

/** `none`: no file. `unreadable`: a file, but not one of ours; the caller says so and goes on. */
export const loadState = async (path: string): Promise<HostState | 'none' | 'unreadable'> => {
  let text: string;
  try {
    text = await readFile(path, 'utf8');
  } catch (cause) {
    return cause instanceof Error && Reflect.get(cause, 'code') === 'ENOENT' ? 'none' : 'unreadable';
  }
  return parseState(text) ?? 'unreadable';
};

/**
 * Checked field by field: undo steps are run as root, and the file may be that of the user whom the gateway of before
 * became (PPTP_RUN_AS). So a file that is not exactly ours is not run at all, and no step does more than take away what a
 * gateway adds.
 */
export const parseState = (text: string): HostState | undefined => {
  let value: unknown;
  try {
    value = JSON.parse(text);
  } catch {
    return undefined;
  }
  if (typeof value !== 'object' || value === null || Reflect.get(value, 'version') !== 1) return undefined;
  const bootId = stringField(value, 'bootId');
  const networkNamespace = stringField(value, 'networkNamespace');
  const startTime = stringField(value, 'startTime');
  const interfaceName = stringField(value, 'interfaceName');
  const pid: unknown = Reflect.get(value, 'pid');
  const undo = parseUndo(Reflect.get(value, 'undo'));
  if (bootId === undefined || networkNamespace === undefined || startTime === undefined) return undefined;
  if (interfaceName === undefined || typeof pid !== 'number' || undo === undefined) return undefined;
  return { version: 1, bootId, networkNamespace, pid, startTime, interfaceName, undo };
};

const stringField = (value: object, name: string): string | undefined => {
  const field: unknown = Reflect.get(value, name);
  return typeof field === 'string' ? field : undefined;
};

const parseUndo = (value: unknown): readonly UndoStep[] | undefined => {
  if (!Array.isArray(value)) return undefined;
  const steps: UndoStep[] = [];
  for (const item of value) {
    const step = parseStep(item);
    if (step === undefined) return undefined;
    steps.push(step);
  }
  return steps;
};

const parseStep = (item: unknown): UndoStep | undefined => {
  if (typeof item !== 'object' || item === null) return undefined;
  if (Reflect.get(item, 'kind') === 'sysctl') {
    const path = stringField(item, 'path');
    const value = stringField(item, 'value');
    return path !== undefined && value !== undefined && isSysctlPath(path)
      ? { kind: 'sysctl', path, value }
      : undefined;
  }
  const command = parseCommand(Reflect.get(item, 'command'));
  return Reflect.get(item, 'kind') === 'run' && command !== undefined ? { kind: 'run', command } : undefined;
};

const parseCommand = (value: unknown): Command | undefined => {
  if (typeof value !== 'object' || value === null) return undefined;
  const program = stringField(value, 'program');
  const args: unknown = Reflect.get(value, 'args');
  const input = stringField(value, 'input');
  if (!Array.isArray(args) || !args.every((arg): arg is string => typeof arg === 'string')) return undefined;
  if (program === 'ip') return input === undefined && takesAway(args) ? { program, args } : undefined;
  const isOurs = program === 'nft' && args.join(' ') === '-f -' && input !== undefined && isRemoval(input);
  return isOurs ? { program, args, input } : undefined;
};

/** `ip route del` and `ip address del`: other words of `ip` start programs, or read files. */
const takesAway = (args: readonly string[]): boolean => {
  const [object = '', action, ...what] = args[0] === '-6' ? args.slice(1) : args;
  return ['route', 'address'].includes(object) && action === 'del' && !what.some((word) => word.startsWith('-'));
};
