// Pure: facts in, messages out. Nothing here looks at the machine.

const LEAST_NODE = [20, 19];
const CAP_NET_ADMIN = 12n;
const CAP_NET_RAW = 13n;

const has = (capabilities, bit) => ((capabilities >> bit) & 1n) === 1n;

const checkNode = ({ nodeVersion }) => {
  const [major, minor] = nodeVersion.split('.').map(Number);
  const isEnough = major > LEAST_NODE[0] || (major === LEAST_NODE[0] && minor >= LEAST_NODE[1]);
  if (isEnough) return [];
  const message = `Node ${LEAST_NODE.join('.')} or newer is needed; this is ${nodeVersion}. Install a newer Node and start again.`;
  return [{ code: 'NODE_TOO_OLD', message }];
};

const checkPlatform = ({ platform }) => {
  if (platform === 'linux') return [];
  const message = `the gateway needs Linux; this is ${platform}. Use a Linux machine, virtual machine or container.`;
  return [{ code: 'NOT_LINUX', message }];
};

const checkRights = ({ isRoot, capabilities }) => {
  const missing = [];
  // Root in a container may lack them, an ordinary user with file or ambient capabilities may have them.
  if (capabilities === undefined ? !isRoot : !has(capabilities, CAP_NET_ADMIN)) missing.push('CAP_NET_ADMIN');
  if (capabilities === undefined ? !isRoot : !has(capabilities, CAP_NET_RAW)) missing.push('CAP_NET_RAW');
  if (missing.length === 0) return [];
  const remedy = isRoot
    ? `start the container with ${missing.map((name) => `--cap-add ${name.slice(4)}`).join(' ')}.`
    : 'start it as root (sudo), or give it these capabilities.';
  return [
    { code: 'NOT_ROOT', message: `${missing.join(' and ')} ${missing.length === 1 ? 'is' : 'are'} missing: ${remedy}` },
  ];
};

const checkTun = ({ tun }) => {
  if (tun === 'usable') return [];
  const message =
    tun === 'missing'
      ? '/dev/net/tun is missing: load the module with "modprobe tun", or start the container with --device /dev/net/tun.'
      : '/dev/net/tun cannot be opened: start the container with --device /dev/net/tun, or allow this user to use it.';
  return [{ code: 'TUN_MISSING', message }];
};

/** What every verb needs. */
export const checkMachine = (facts) => [...checkNode(facts), ...checkPlatform(facts)];

/** What a gateway or a client that runs needs: one problem each, or none. */
export const checkRun = (facts) => {
  const problems = checkMachine(facts);
  return facts.platform === 'linux' ? [...problems, ...checkRights(facts), ...checkTun(facts)] : problems;
};

/** Programs the gateway itself calls, with their Debian packages. */
export const RUN_PROGRAMS = { ip: 'iproute2', nft: 'nftables' };

/** Those that `dial` calls. */
export const DIAL_PROGRAMS = { ip: RUN_PROGRAMS.ip };

/**
 * What a command line needs besides what is compiled: the addon, these programs, for a gateway the dashboard, and where
 * this process is to have `devices` rights and /dev/net/tun. Undefined for verbs that read and write files, or ask a
 * gateway that runs.
 *
 * @param {readonly string[]} argv
 */
export const needsOf = ([verb, ...rest]) => {
  if (rest.includes('--help') || rest.includes('-h')) return undefined;
  if (verb === 'run') return { devices: true, programs: RUN_PROGRAMS, dashboard: true };
  if (verb === 'dial') return { devices: true, programs: DIAL_PROGRAMS, dashboard: false };
  // What the running gateway starts is taken as it lies there, and may have been pulled a moment ago.
  return verb === 'upgrade' ? { devices: false, programs: {}, dashboard: true } : undefined;
};

/** What the tests in network namespaces call besides. */
export const TEST_PROGRAMS = { ...RUN_PROGRAMS, ping: 'iputils-ping', sysctl: 'procps', tshark: 'tshark' };

/** Any of these shows the dashboard to its tests; the first is the smallest. */
export const BROWSERS = ['chromium-headless-shell', 'chromium', 'chromium-browser', 'google-chrome'];

/**
 * What is to be done about missing programs: nothing, install `packages`, or tell the operator.
 *
 * @param {Record<string, string>} programs program to package
 */
export const planPackages = (programs, facts) => {
  const missing = Object.keys(programs).filter((program) => !facts.isInstalled(program));
  if (missing.length === 0) return { kind: 'nothing' };
  return planInstall([...new Set(missing.map((program) => programs[program]))], missing, facts);
};

/** The same for a browser, of which one is enough. Apart from the others: not every system has a package of this name. */
export const planBrowser = (facts) => {
  if (BROWSERS.some((name) => facts.isInstalled(name))) return { kind: 'nothing' };
  return planInstall(BROWSERS.slice(0, 1), BROWSERS.slice(0, 1), facts);
};

/** The same for packages known to be needed, because of `missing`. */
export const planInstall = (packages, missing, { isRoot, hasApt }) => {
  const names = `${missing.join(', ')} ${missing.length === 1 ? 'is' : 'are'} missing`;
  if (isRoot && hasApt) return { kind: 'install', packages, reason: names };
  const remedy = hasApt
    ? `install them as root: apt-get install ${packages.join(' ')}`
    : `install what Debian calls ${packages.join(', ')} with the package manager of this system.`;
  return { kind: 'tell', packages, problem: { code: 'PACKAGES_MISSING', message: `${names}: ${remedy}` } };
};
