import { constants, readFileSync } from 'node:fs';
import { access, stat } from 'node:fs/promises';
import { GatewayError } from '../../core/errors.ts';
import type { ExecOptions } from './options.ts';

const OTHERS_WRITE = 0o002;

/** Numbers of capabilities (linux/capability.h): to become somebody else, and to end what somebody else runs. */
const NEEDED = { CAP_KILL: 5n, CAP_SETGID: 6n, CAP_SETUID: 7n } as const;

/** Root in a container may have few; undefined where it cannot be seen. */
const capabilities = (): bigint | undefined => {
  try {
    const [, digits] = /^CapEff:\s*([0-9a-f]+)$/m.exec(readFileSync('/proc/self/status', 'latin1')) ?? [];
    return digits === undefined ? undefined : BigInt(`0x${digits}`);
  } catch {
    return undefined;
  }
};

export interface Ours {
  readonly uid: number;
  readonly gid: number;
  /** Effective ones, as bits. Absent: all. */
  readonly capabilities?: bigint | undefined;
}

const invalid = (why: string): GatewayError => new GatewayError('PLUGIN_INVALID', `exec: ${why}`);

/** Throws PLUGIN_INVALID where the program cannot be run as configured. */
export const checkProgram = async (
  { command, folder, uid, gid }: Pick<ExecOptions, 'command' | 'folder' | 'uid' | 'gid'>,
  ours: Ours = { uid: process.getuid?.() ?? 0, gid: process.getgid?.() ?? 0, capabilities: capabilities() },
): Promise<void> => {
  const file = await stat(command).catch(() => undefined);
  if (file === undefined || !file.isFile()) throw invalid(`there is no program ${command} (PPTP_EXEC_COMMAND)`);
  if ((file.mode & OTHERS_WRITE) !== 0) {
    throw invalid(`everybody may write ${command}, and so become who it runs as: chmod o-w ${command}`);
  }
  await access(command, constants.X_OK).catch(() => {
    throw invalid(`${command} is not executable: chmod +x ${command}`);
  });
  const directory = await stat(folder).catch(() => undefined);
  if (directory?.isDirectory() !== true) throw invalid(`there is no folder ${folder} (PPTP_EXEC_FOLDER)`);
  const other = (uid !== undefined && uid !== ours.uid) || (gid !== undefined && gid !== ours.gid);
  if (other && ours.uid !== 0) {
    throw invalid('only root can run a program as somebody else: leave PPTP_EXEC_UID and PPTP_EXEC_GID out');
  }
  const has = ours.capabilities;
  if (!other || has === undefined) return;
  const missing = Object.entries(NEEDED).flatMap(([name, bit]) => ((has >> bit) & 1n ? [] : [name]));
  if (missing.length > 0) {
    throw invalid(`to run a program as somebody else the gateway lacks ${missing.join(', ')}: see docs/exec.md`);
  }
};
