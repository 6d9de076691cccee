import { execFile } from 'node:child_process';
import { mkdir, mkdtemp, readdir, rename, rm, writeFile } from 'node:fs/promises';
import { join } from 'node:path';
import { promisify } from 'node:util';
import { runCommand } from './command.mjs';
import { cache } from './paths.mjs';
import { SetupError, say } from './script.mjs';

/** A line of shell in front of a program of a tree: the libraries that came with it, and what it takes for granted. */
const inTree = (folder, ...lines) => `#!/bin/sh\ntree=$(dirname "$0")/${folder}\n${lines.join('\n')}\n`;

const RADIUS_TREE = 'freeradius-tree';
const radius = (path) =>
  inTree(
    RADIUS_TREE,
    'for folder in "$tree"/usr/lib/freeradius "$tree"/usr/lib/*-linux-gnu* "$tree"/lib/*-linux-gnu*; do',
    '  LD_LIBRARY_PATH="$folder:$LD_LIBRARY_PATH"',
    'done',
    'export LD_LIBRARY_PATH',
    `exec "$tree/${path}" -D "$tree/usr/share/freeradius" "$@"`,
  );

/**
 * Programs of the tests whose Debian packages would start a server on this machine if they were installed: only the
 * program is taken out of the package, or the whole package is kept in a folder, with a script in front of each program.
 * `libraries`: with those packages that it needs and this machine does not have.
 */
export const UNPACKED_PROGRAMS = {
  promtool: { packages: ['prometheus'], path: 'usr/bin/promtool' },
  'fail2ban-regex': {
    packages: ['fail2ban'],
    folder: 'fail2ban',
    scripts: {
      'fail2ban-regex': inTree(
        'fail2ban',
        'PYTHONPATH=$tree/usr/lib/python3/dist-packages exec python3 "$tree/usr/bin/fail2ban-regex" --config "$tree/etc/fail2ban" "$@"',
      ),
    },
  },
  freeradius: {
    packages: ['freeradius', 'freeradius-utils'],
    libraries: true,
    folder: RADIUS_TREE,
    scripts: { radclient: radius('usr/bin/radclient'), freeradius: radius('usr/sbin/freeradius') },
  },
};

/** Where they are; the tests have it on their path. */
export const unpackedPrograms = join(cache, 'programs');

const quiet = { env: { DEBIAN_FRONTEND: 'noninteractive' }, stdout: 'stderr' };

/** Fetches Debian packages into a folder; false when that is not possible. */
export const downloadPackages = async (names, folder, { isRoot }) => {
  // As root apt would download as a user who cannot write here.
  const args = ['-q', ...(isRoot ? ['-o', 'APT::Sandbox::User=root'] : []), 'download', ...names];
  const attempt = () => runCommand('apt-get', args, { ...quiet, cwd: folder });
  if ((await attempt()) === 0) return true;
  if (!isRoot) return false;
  await runCommand('apt-get', ['-q', '-o', 'DPkg::Lock::Timeout=120', 'update'], quiet);
  return (await attempt()) === 0;
};

/** Takes the packages in a folder apart, without installing them; false when that is not possible. */
export const openPackages = async (folder, tree) => {
  const files = (await readdir(folder)).filter((one) => one.endsWith('.deb'));
  for (const file of files) {
    if ((await runCommand('dpkg-deb', ['-x', join(folder, file), tree], quiet)) !== 0) return false;
  }
  return files.length > 0;
};

/** These packages and all that they need and this machine lacks; undefined when apt cannot say. */
const withLibraries = async (packages, { isRoot }) => {
  const attempt = () =>
    promisify(execFile)('apt-get', ['-q', '-s', '--no-install-recommends', 'install', ...packages]).then(
      ({ stdout }) => [...stdout.matchAll(/^Inst (\S+)/gm)].map(([, name]) => name),
      () => undefined,
    );
  const known = await attempt();
  if (known !== undefined || !isRoot) return known;
  await runCommand('apt-get', ['-q', '-o', 'DPkg::Lock::Timeout=120', 'update'], quiet);
  return attempt();
};

const keepTree = async (tree, { folder, scripts }) => {
  await rm(join(unpackedPrograms, folder), { recursive: true, force: true });
  await rename(tree, join(unpackedPrograms, folder));
  for (const [name, text] of Object.entries(scripts)) {
    await writeFile(join(unpackedPrograms, name), text, { mode: 0o755 });
  }
};

const fetchProgram = async (program, where, facts) => {
  const { packages: wanted, path, libraries } = where;
  say(`${program} is missing; taking it out of the Debian package ${wanted[0]}, which is not installed`);
  await mkdir(unpackedPrograms, { recursive: true });
  const packages = libraries === true ? await withLibraries(wanted, facts) : wanted;
  if (packages === undefined) {
    throw new SetupError('PACKAGES_MISSING', `apt-get cannot say what ${wanted.join(' ')} need: no ${program}.`);
  }
  const folder = await mkdtemp(join(unpackedPrograms, '.unpacking-'));
  try {
    if (!(await downloadPackages(packages, folder, facts))) {
      throw new SetupError('PACKAGES_MISSING', `apt-get could not download ${packages.join(' ')}: no ${program}.`);
    }
    if (!(await openPackages(folder, join(folder, 'tree')))) {
      throw new SetupError('PACKAGES_MISSING', `dpkg-deb could not open ${packages.join(' ')}: no ${program}.`);
    }
    if (path === undefined) await keepTree(join(folder, 'tree'), where);
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
