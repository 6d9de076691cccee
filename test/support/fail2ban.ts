import { execFileSync, spawnSync } from 'node:child_process';
import { mkdtempSync, rmSync, writeFileSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';

/** Why filters of fail2ban cannot be tried here; undefined when they can. */
export const fail2banUnavailable = (): string | undefined => {
  const { error, status } = spawnSync('fail2ban-regex', ['--version'], { stdio: 'ignore' });
  if (error !== undefined) return 'the program "fail2ban-regex" is missing (Debian package fail2ban)';
  return status === 0 ? undefined : `fail2ban-regex --version ends with status ${status}`;
};

/** The addresses that the filter finds in these lines, one for each line that it matches. */
export const bannedAddresses = (filter: string, lines: readonly string[]): readonly string[] => {
  const folder = mkdtempSync(join(tmpdir(), 'pptp-fail2ban-'));
  try {
    const log = join(folder, 'log');
    writeFileSync(log, lines.map((line) => `${line.replace(/\n$/, '')}\n`).join(''));
    const output = execFileSync('fail2ban-regex', ['--out', 'ip', log, filter], { encoding: 'utf8' });
    return output.split('\n').filter((line) => line !== '');
  } finally {
    rmSync(folder, { recursive: true });
  }
};
