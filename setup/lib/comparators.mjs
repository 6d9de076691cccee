import { execFile } from 'node:child_process';
import { access, mkdir, mkdtemp, readdir, rename, rm, writeFile } from 'node:fs/promises';
import { join } from 'node:path';
import { promisify } from 'node:util';
import { benchPrograms } from './bench-programs.mjs';
import { say } from './script.mjs';
import { downloadPackages, openPackages } from './unpacked.mjs';

const run = promisify(execFile);

/**
 * What the benchmarks compare the gateway with: programs of Debian packages that are opened in .cache and not installed,
 * because an installed one brings services with it. `libraries` are packages of shared libraries that the program needs
 * and a small system lacks; those that cannot be had are left out, and it shows when the program is tried.
 */
export const COMPARATORS = {
  openvpn: {
    packages: ['openvpn'],
    libraries: ['liblzo2-2', 'libpkcs11-helper1', 'libnl-3-200', 'libnl-genl-3-200', 'libcap-ng0', 'liblz4-1'],
    programs: { openvpn: 'usr/sbin/openvpn' },
    version: ['openvpn', '--version'],
  },
  wireguard: {
    packages: ['wireguard-go', 'wireguard-tools'],
    libraries: [],
    programs: { 'wireguard-go': 'usr/bin/wireguard-go', wg: 'usr/bin/wg' },
    version: ['wireguard-go', '--version'],
  },
};

/** Debian has them in folders named after the machine, of which packages of before the merge of /usr use the first. */
const libraryFolders = async (tree) => {
  const places = [join(tree, 'lib'), join(tree, 'usr', 'lib')];
  const found = places.map(async (place) => {
    const names = await readdir(place).catch(() => []);
    return names.filter((name) => name.includes('-linux-')).map((name) => join(place, name));
  });
  return (await Promise.all(found)).flat();
};

const fetchTree = async (place, tree, { packages, libraries }, facts) => {
  if (!facts.hasApt) throw new Error('there is no apt-get to fetch it with');
  const folder = await mkdtemp(join(place, '.unpacking-'));
  try {
    for (const name of [...packages, ...libraries]) {
      const at = join(folder, name);
      await mkdir(at);
      const opened = (await downloadPackages([name], at, facts)) && (await openPackages(at, join(folder, 'tree')));
      if (!opened && packages.includes(name)) throw new Error(`the Debian package ${name} could not be fetched`);
    }
    await rm(tree, { recursive: true, force: true });
    await rename(join(folder, 'tree'), tree);
  } finally {
    await rm(folder, { recursive: true, force: true });
  }
};

/** The programs with their library path, once the first of them has told its version. */
const look = async (tree, { programs, version: [name, ...args] }) => {
  const paths = Object.fromEntries(Object.entries(programs).map(([key, path]) => [key, join(tree, path)]));
  for (const path of Object.values(paths)) await access(path);
  const libraries = (await libraryFolders(tree)).join(':');
  const env = { ...process.env, LD_LIBRARY_PATH: libraries };
  // OpenVPN tells its version with status 1 in some releases.
  const said = await run(paths[name], args, { env }).catch((error) => error);
  const version = /^.*\d+\.\d+.*$/m.exec(said.stdout ?? '')?.[0]?.trim();
  if (version === undefined) throw new Error(`it does not start: ${String(said.stderr || said.message).trim()}`);
  return { programs: paths, libraries, version };
};

const prepareOne = async (place, name, comparator, facts) => {
  const tree = join(place, name);
  const attempt = () => look(tree, comparator);
  try {
    return await attempt().catch(async () => {
      say(`${name} is missing; opening its Debian package in .cache, nothing is installed`);
      await fetchTree(place, tree, comparator, facts);
      return attempt();
    });
  } catch (error) {
    const reason = error instanceof Error ? error.message : String(error);
    say(`${name} is left out of the comparison: ${reason}`);
    return { reason };
  }
};

/**
 * Fetches those that are missing, and writes down for the benchmarks what there is and why the others are not:
 * comparators.json, by the names above. What cannot be had is left out and is no error.
 */
export const prepareComparators = async (facts, place = benchPrograms) => {
  await mkdir(place, { recursive: true });
  const found = {};
  for (const [name, comparator] of Object.entries(COMPARATORS)) {
    found[name] = await prepareOne(place, name, comparator, facts);
  }
  await writeFile(join(place, 'comparators.json'), `${JSON.stringify(found, undefined, 2)}\n`);
};
