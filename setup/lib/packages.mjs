import { runCommand } from './command.mjs';
import { SetupError, say } from './script.mjs';

const APT = ['-q', '-o', 'DPkg::Lock::Timeout=120'];
const options = { env: { DEBIAN_FRONTEND: 'noninteractive' }, stdout: 'stderr' };

/** Carries out a plan of preflight.mjs. */
export const carryOut = async (plan) => {
  if (plan.kind === 'nothing') return;
  if (plan.kind === 'tell') throw new SetupError(plan.problem.code, plan.problem.message);
  say(`${plan.reason}; installing the system packages ${plan.packages.join(', ')}`);
  // An update that fails need not matter: the lists may be good enough.
  await runCommand('apt-get', [...APT, 'update'], options);
  const code = await runCommand(
    'apt-get',
    [...APT, '-y', '--no-install-recommends', 'install', ...plan.packages],
    options,
  );
  if (code !== 0) {
    const message = `apt-get could not install ${plan.packages.join(' ')} (see above); install them by hand and start again.`;
    throw new SetupError('PACKAGES_MISSING', message);
  }
};
