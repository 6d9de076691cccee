import { readdirSync, readFileSync, readlinkSync } from 'node:fs';

/** What the kernel keeps for the gateway's devices, and what it dropped of it. Undefined: not known. */
export interface KernelNumbers {
  readonly gre: { readonly queuedIn: number; readonly queuedOut: number; readonly droppedIn: number } | undefined;
  readonly tun: { readonly droppedIn: number; readonly droppedOut: number } | undefined;
}

export interface RawSocketLine {
  readonly inode: string;
  readonly queuedIn: number;
  readonly queuedOut: number;
  readonly dropped: number;
}

/** Protocol 47 where /proc/net/raw has the local port. */
const GRE = '002F';

/** GRE sockets of /proc/net/raw; anything that does not look like one is left out. */
export const parseRawSockets = (text: string): readonly RawSocketLine[] =>
  text.split('\n').flatMap((line) => {
    const fields = line.trim().split(/\s+/);
    const [, local = '', , , queues = '', , , , , inode = ''] = fields;
    const queue = /^([0-9A-F]{8}):([0-9A-F]{8})$/i.exec(queues);
    const dropped = Number(fields[12]);
    if (!local.endsWith(`:${GRE}`) || queue === null || !Number.isSafeInteger(dropped)) return [];
    const [, out = '', into = ''] = queue;
    return [{ inode, queuedIn: Number.parseInt(into, 16), queuedOut: Number.parseInt(out, 16), dropped }];
  });

/** Drops of a device in /proc/net/dev. To the kernel, `receive` is what we write: from the peer. */
export const parseDeviceDrops = (text: string, device: string): KernelNumbers['tun'] => {
  for (const line of text.split('\n')) {
    const colon = line.lastIndexOf(':');
    if (colon < 0 || line.slice(0, colon).trim() !== device) continue;
    const numbers = line
      .slice(colon + 1)
      .trim()
      .split(/\s+/)
      .map(Number);
    const [droppedIn, droppedOut] = [numbers[3], numbers[11]];
    return droppedIn === undefined || droppedOut === undefined ? undefined : { droppedIn, droppedOut };
  }
  return undefined;
};

const attempt = <T>(work: () => T): T | undefined => {
  try {
    return work();
  } catch {
    // Not Linux, or /proc is closed to us: the metric is left out.
    return undefined;
  }
};

const ownSockets = (): ReadonlySet<string> => {
  const inodes = new Set<string>();
  for (const descriptor of readdirSync('/proc/self/fd')) {
    const target = attempt(() => readlinkSync(`/proc/self/fd/${descriptor}`)) ?? '';
    if (target.startsWith('socket:[')) inodes.add(target.slice('socket:['.length, -1));
  }
  return inodes;
};

/** Reads /proc of the network namespace the gateway is in. */
export class KernelReader {
  #ours: string | undefined;

  /** `tun`: the tunnel device, if there is one to look at. */
  read(tun: string | undefined): KernelNumbers {
    const devices = tun === undefined ? undefined : attempt(() => readFileSync('/proc/net/dev', 'utf8'));
    return {
      gre: this.#gre(),
      tun: tun === undefined || devices === undefined ? undefined : parseDeviceDrops(devices, tun),
    };
  }

  #gre(): KernelNumbers['gre'] {
    const text = attempt(() => readFileSync('/proc/net/raw', 'utf8'));
    if (text === undefined) return undefined;
    const sockets = parseRawSockets(text);
    let own = sockets.find(({ inode }) => inode === this.#ours);
    if (own === undefined && sockets.length > 0) {
      const inodes = attempt(ownSockets);
      own = sockets.find(({ inode }) => inodes?.has(inode) === true);
      this.#ours = own?.inode;
    }
    return own === undefined ? undefined : { queuedIn: own.queuedIn, queuedOut: own.queuedOut, droppedIn: own.dropped };
  }
}

/** File descriptors that are open, the one of this look included. Undefined: not known. */
export const openDescriptors = (): number | undefined => attempt(() => readdirSync('/proc/self/fd').length);
