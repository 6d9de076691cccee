import { execFileSync, spawnSync } from 'node:child_process';
import { existsSync, mkdtempSync, rmSync, writeFileSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { ROOT } from './netns.ts';

/** Where `npm test` puts the package when it is not installed (setup/lib/unpacked.mjs). */
const UNPACKED = join(ROOT, '.cache', 'programs', 'fail2ban');

interface Program {
  readonly file: string;
  readonly args: readonly string[];
  readonly env: NodeJS.ProcessEnv;
}

const find = (): Program => {
  const installed = { file: 'fail2ban-regex', args: [], env: process.env };
  if (!existsSync(UNPACKED)) return installed;
  return {
    file: 'python3',
    args: [join(UNPACKED, 'usr/bin/fail2ban-regex'), '--config', join(UNPACKED, 'etc/fail2ban')],
    env: { ...process.env, PYTHONPATH: join(UNPACKED, 'usr/lib/python3/dist-packages') },
  };
};

/** Why filters of fail2ban cannot be tried here; undefined when they can. */
export const fail2banUnavailable = (): string | undefined => {
  const { file, args, env } = find();
  const { error, status } = spawnSync(file, [...args, '--version'], { stdio: 'ignore', env });
  if (error !== undefined) return 'the program "fail2ban-regex" is missing (Debian package fail2ban)';
  return status === 0 ? undefined : `fail2ban-regex --version ends with status ${status}`;
};

/** The addresses that the filter finds in these lines, one for each line that it matches. */
export const bannedAddresses = (filter: string, lines: readonly string[]): readonly string[] => {
  const { file, args, env } = find();
  const folder = mkdtempSync(join(tmpdir(), 'pptp-fail2ban-'));
  try {
    const log = join(folder, 'log');
    writeFileSync(log, lines.map((line) => `${line.replace(/\n$/, '')}\n`).join(''));
    const output = execFileSync(file, [...args, '--out', 'ip', log, filter], { encoding: 'utf8', env });
    return output.split('\n').filter((line) => line !== '');
  } finally {
    rmSync(folder, { recursive: true });
  }
};
