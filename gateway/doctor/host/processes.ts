import type { Holder } from '../checks/control-port.ts';
import { namesIn, readTarget, readText } from './system.ts';

export interface Process extends Holder {
  /** Command line, one word each. */
  readonly words: readonly string[];
}

const OURS = /(^|\/)(pptp-gateway|gateway\/main\.js|setup\/(cli|start)\.mjs)$/;

/** A command line of ours, whatever the verb: the program itself, or the script that Node runs. */
export const isOurs = ([program = '', ...rest]: readonly string[]): boolean => {
  if (/(^|\/)pptp-gateway$/.test(program)) return true;
  const script = rest.find((word) => !word.startsWith('-'));
  return /(^|\/)node[^/]*$/.test(program) && script !== undefined && OURS.test(script);
};

/** The processes that can be seen and share our network namespace, but for this one. */
export const visibleProcesses = async (): Promise<readonly Process[]> => {
  const own = await readTarget('/proc/self/ns/net');
  const found: Process[] = [];
  for (const entry of await namesIn('/proc')) {
    if (!/^\d+$/.test(entry) || entry === String(process.pid)) continue;
    const [name, command, namespace] = await Promise.all([
      readText(`/proc/${entry}/comm`),
      readText(`/proc/${entry}/cmdline`),
      readTarget(`/proc/${entry}/ns/net`),
    ]);
    if (name === undefined || namespace !== own) continue;
    const words = (command ?? '').split('\0');
    found.push({ pid: Number(entry), name: name.trim(), isGateway: isOurs(words), words });
  }
  return found;
};

/** Who has each of these sockets open; those of processes that cannot be seen are left out. */
export const holdersOf = async (
  inodes: ReadonlySet<string>,
  processes: readonly Process[],
): Promise<ReadonlyMap<string, Holder>> => {
  const holders = new Map<string, Holder>();
  if (inodes.size === 0) return holders;
  for (const { pid, name, isGateway } of processes) {
    for (const fd of await namesIn(`/proc/${pid}/fd`)) {
      const inode = /^socket:\[(\d+)\]$/.exec((await readTarget(`/proc/${pid}/fd/${fd}`)) ?? '')?.[1];
      if (inode !== undefined && inodes.has(inode)) holders.set(inode, { pid, name, isGateway });
    }
  }
  return holders;
};
