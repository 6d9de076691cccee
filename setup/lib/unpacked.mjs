import { mkdir, mkdtemp, readdir, rename, rm, writeFile } from 'node:fs/promises';
import { join } from 'node:path';
import { runCommand } from './command.mjs';
import { cache } from './paths.mjs';
import { SetupError, say } from './script.mjs';

/**
 * Programs of the tests whose Debian packages would start a server on this machine if they were installed: only the
 * program is taken out of the package.
 */
export const UNPACKED_PROGRAMS = {
  promtool: { package: 'prometheus', path: 'usr/bin/promtool' },
  // A script that needs the rest of its package: all of that is kept, and a line of shell in front of it.
  'fail2ban-regex': { package: 'fail2ban', folder: 'fail2ban' },
};

const FAIL2BAN_REGEX = `#!/bin/sh
tree=$(dirname "$0")/fail2ban
PYTHONPATH=$tree/usr/lib/python3/dist-packages exec python3 "$tree/usr/bin/fail2ban-regex" --config "$tree/etc/fail2ban" "$@"
`;

/** Where they are; the tests have it on their path. */
export const unpackedPrograms = join(cache, 'programs');

const quiet = { env: { DEBIAN_FRONTEND: 'noninteractive' }, stdout: 'stderr' };

/** Fetches a Debian package into a folder; false when that is not possible. */
export const downloadPackage = async (name, folder, { isRoot }) => {
  // As root apt would download as a user who cannot write here.
  const args = ['-q', ...(isRoot ? ['-o', 'APT::Sandbox::User=root'] : []), 'download', name];
  const attempt = () => runCommand('apt-get', args, { ...quiet, cwd: folder });
  if ((await attempt()) === 0) return true;
  if (!isRoot) return false;
  await runCommand('apt-get', ['-q', '-o', 'DPkg::Lock::Timeout=120', 'update'], quiet);
  return (await attempt()) === 0;
};

/** Takes the one package in a folder apart, without installing it; false when that is not possible. */
export const openPackage = async (folder, tree) => {
  const [file] = (await readdir(folder)).filter((one) => one.endsWith('.deb'));
  return file !== undefined && (await runCommand('dpkg-deb', ['-x', join(folder, file), tree], quiet)) === 0;
};

const keepTree = async (tree, program, folder) => {
  await rm(join(unpackedPrograms, folder), { recursive: true, force: true });
  await rename(tree, join(unpackedPrograms, folder));
  await writeFile(join(unpackedPrograms, program), FAIL2BAN_REGEX, { mode: 0o755 });
};

const fetchProgram = async (program, { package: name, path, folder: kept }, facts) => {
  say(`${program} is missing; taking it out of the Debian package ${name}, which is not installed`);
  await mkdir(unpackedPrograms, { recursive: true });
  const folder = await mkdtemp(join(unpackedPrograms, '.unpacking-'));
  try {
    if (!(await downloadPackage(name, folder, facts))) {
      throw new SetupError('PACKAGES_MISSING', `apt-get could not download ${name}, so there is no ${program}.`);
    }
    if (!(await openPackage(folder, join(folder, 'tree')))) {
      throw new SetupError('PACKAGES_MISSING', `dpkg-deb could not open ${name}, so there is no ${program}.`);
    }
    if (kept !== undefined) await keepTree(join(folder, 'tree'), program, kept);
    else await rename(join(folder, 'tree', path), join(unpackedPrograms, program));
  } finally {
    await rm(folder, { recursive: true, force: true });
  }
};

/** Fetches those that are missing. Rejects with a SetupError where that is not possible. */
export const unpackPrograms = async (facts) => {
  const present = await readdir(unpackedPrograms).catch(() => []);
  for (const [program, where] of Object.entries(UNPACKED_PROGRAMS)) {
    if (facts.isInstalled(program) || present.includes(program)) continue;
    if (!facts.hasApt) throw new SetupError('PACKAGES_MISSING', `${program} is missing: install it by hand.`);
    await fetchProgram(program, where, facts);
  }
};
