import type { Command, CommandResult, HostSystem } from '../../../../plugins/host-network-linux/host-system.ts';

const OK: CommandResult = { code: 0, stdout: '', stderr: '', missing: false };
const NO_TABLES = JSON.stringify({ nftables: [{ metainfo: {} }] });

/** A host in memory: files of /proc, and a record of everything that was done to it, in order. */
export class FakeHost implements HostSystem {
  readonly files = new Map<string, string>([
    ['/proc/sys/kernel/random/boot_id', 'boot-1'],
    ['/proc/sys/net/ipv4/ip_forward', '0'],
    ['/proc/sys/net/ipv4/conf/eth1/proxy_arp', '0'],
    [`/proc/${process.pid}/stat`, stat(process.pid, 5000)],
  ]);
  namespace = 'net:[1]';
  readonly done: string[] = [];
  /** Answers by the beginning of the command line; the last one that matches wins. */
  readonly answers: (readonly [string, Partial<CommandResult>])[] = [['nft -j list tables', { stdout: NO_TABLES }]];
  readOnly = false;
  /** How long the last work would have waited for its turn, where it says so. */
  patience: number | undefined;
  /** Works that would have waited for their turn. */
  turns = 0;

  async run(command: Command): Promise<CommandResult> {
    const line = [command.program, ...command.args].join(' ');
    if (!line.startsWith('nft -j')) this.done.push(line + (command.input === undefined ? '' : ` <<< ${command.input}`));
    const answer = this.answers.findLast(([start]) => line.startsWith(start));
    return { ...OK, ...answer?.[1] };
  }

  async read(path: string): Promise<string | undefined> {
    return this.files.get(path);
  }

  async link(): Promise<string | undefined> {
    return this.namespace;
  }

  async write(path: string, value: string): Promise<void> {
    if (this.readOnly) throw new Error('EROFS: read-only file system');
    this.done.push(`${path} = ${value}`);
    this.files.set(path, value);
  }

  exclusively<T>(work: () => Promise<T>, patienceMs?: number): Promise<T> {
    this.patience = patienceMs;
    this.turns += 1;
    return work();
  }

  /** Another gateway of the namespace that turned forwarding on when it was off. */
  addOtherGateway(): void {
    const tables = { nftables: [{ table: { family: 'ip', name: 'pptp_gateway_other' } }] };
    const comment = '/proc/sys/net/ipv4/ip_forward=0';
    this.answers.push(['nft -j list tables', { stdout: JSON.stringify(tables) }]);
    this.answers.push(['nft -j list chain', { stdout: JSON.stringify({ nftables: [{ rule: { comment } }] }) }]);
  }
}

/** /proc/pid/stat of a process whose name does its worst. */
export const stat = (pid: number, startTime: number): string =>
  `${pid} (a) b (c) S ${Array.from({ length: 18 }, (_, i) => i).join(' ')} ${startTime} 0 0`;
