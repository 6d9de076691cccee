import { execFileSync } from 'node:child_process';
import { root } from './paths.mjs';

/** The time that packages carry, in seconds: SOURCE_DATE_EPOCH, else that of the last commit, else now. */
export const sourceEpoch = (env = process.env) => {
  const given = Number(env.SOURCE_DATE_EPOCH);
  if (Number.isSafeInteger(given) && given > 0) return given;
  try {
    const told = execFileSync('git', ['log', '-1', '--format=%ct'], { cwd: root, stdio: ['ignore', 'pipe', 'ignore'] });
    return Number(told.toString().trim());
  } catch {
    return Math.floor(Date.now() / 1000);
  }
};
