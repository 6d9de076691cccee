import { constants } from 'node:fs';
import { access, stat } from 'node:fs/promises';
import { GatewayError } from '../../core/errors.ts';
import type { ExecOptions } from './options.ts';

const OTHERS_WRITE = 0o002;

const invalid = (why: string): GatewayError => new GatewayError('PLUGIN_INVALID', `exec: ${why}`);

/** Throws PLUGIN_INVALID where the program cannot be run as configured. `uid` is ours. */
export const checkProgram = async (
  { command, folder, uid, gid }: Pick<ExecOptions, 'command' | 'folder' | 'uid' | 'gid'>,
  ours = { uid: process.getuid?.() ?? 0, gid: process.getgid?.() ?? 0 },
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
};
