import type { GatewayConfig } from './types.ts';

/** The device of one worker: `%d` of the configured name is its index, or the index follows the name. */
export const workerTunName = (name: string, index: number): string =>
  name.includes('%d') ? name.replace('%d', String(index)) : `${name}${index}`;

/** A key that does not go with `workers`, or with what it was worked out to be. */
export interface WorkersProblem {
  readonly path: string;
  readonly message: string;
}

/** Of them network, broadcast and gateway addresses may be in one part. */
const LEAST_ADDRESSES = 4;
/** One of them may be the gateway's. */
const LEAST_PREFIXES = 2;
const LONGEST_NAME = 15;
/** sun_path of sockaddr_un(7) holds 108 octets with the closing zero. */
export const SOCKET_PATH_OCTETS = 107;

/** Where a worker keeps what is its own: the record of what it set up on the host, its admin socket. */
export const workerFolder = (stateDir: string, index: number): string =>
  `${stateDir.replace(/\/+$/, '')}/worker-${index}`;

/** Where only the supervisor asks a worker. */
export const workerSocket = (stateDir: string, index: number): string => `${workerFolder(stateDir, index)}/admin.sock`;

/** The longest prefix of a network with so many addresses or /64s. */
const prefixFor = (count: number, bits: number): number => bits - Math.ceil(Math.log2(count));

/** What cannot be divided among the workers. */
export const workersProblems = (config: GatewayConfig): readonly WorkersProblem[] => {
  const { workers, pool, calls, gre, tun, dial } = config;
  if (workers === 1) return [];
  const problems: WorkersProblem[] = [];
  const check = (wrong: boolean, path: string, message: string): void => {
    if (wrong) problems.push({ path, message });
  };
  const several = `with ${workers} workers (PPTP_WORKERS)`;
  check(
    2 ** (32 - pool.range.prefixLength) < workers * LEAST_ADDRESSES,
    'pool.range',
    `${pool.range.text} is too small to be divided: ${several} it must be /${prefixFor(workers * LEAST_ADDRESSES, 32)} or larger.`,
  );
  for (const { name, network } of pool.named) {
    check(
      2 ** (32 - network.prefixLength) < workers * LEAST_ADDRESSES,
      'pool.named',
      `${name}=${network.text} is too small to be divided: ${several} it must be /${prefixFor(workers * LEAST_ADDRESSES, 32)} or larger.`,
    );
  }
  check(
    pool.ipv6 !== undefined && 2 ** (64 - pool.ipv6.prefixLength) < workers * LEAST_PREFIXES,
    'pool.ipv6',
    `${pool.ipv6?.text} is too small to be divided: ${several} it must be /${prefixFor(workers * LEAST_PREFIXES, 64)} or larger.`,
  );
  check(
    calls.max < workers,
    'calls.max',
    `${calls.max} calls cannot be divided: ${several} it must be ${workers} or more.`,
  );
  check(
    gre.driver === 'raw-socket',
    'gre.driver',
    `must be auto or batch ${several}: raw-socket cannot give each worker its own packets.`,
  );
  const names = Array.from({ length: workers }, (_, index) => workerTunName(tun.name, index));
  const long = names.find((name) => name.length > LONGEST_NAME);
  check(long !== undefined, 'tun.name', `${several} a device would be called ${long}: 15 characters are the most.`);
  const socket = workerSocket(config.stateDir, workers - 1);
  check(
    Buffer.byteLength(socket) > SOCKET_PATH_OCTETS,
    'stateDir',
    `${several} there would be a socket ${socket}: its path may have ${SOCKET_PATH_OCTETS} octets at most.`,
  );
  check(
    dial.server !== undefined && names.includes(dial.tun),
    'dial.tun',
    `must not be ${dial.tun}: ${several} that is the device of one of them.`,
  );
  return problems;
};
