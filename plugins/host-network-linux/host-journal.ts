import { dirname } from 'node:path';
import { GatewayError } from '../../core/errors.ts';
import { type Log, silentLog } from '../../core/ports/log.ts';
import { commandError, isGone, type Owner, sysctlError } from './host-errors.ts';
import { type Command, type CommandResult, type HostSystem, linuxHost } from './host-system.ts';
import { gatewayTables, MEMORY_CHAIN, type RememberedSysctl, rememberedSysctls, tableName } from './nft-table.ts';
import type { Plan, Step, UndoStep } from './plan.ts';
import { forgetState, type HostState, loadState, saveState } from './state-file.ts';
import { interfaceNames, type SysctlPath } from './sysctl.ts';

export interface JournalDependencies {
  readonly log?: Log | undefined;
  readonly host?: HostSystem | undefined;
  readonly owner?: Owner;
}

/**
 * Changes of the host that can be taken back: what is about to change is written to a file first, so that `revert`, or
 * after a crash the next `recover`, takes back exactly that.
 */
export class HostJournal {
  readonly host: HostSystem;
  private readonly log: Log;
  private readonly owner: Owner;
  private readonly statePath: string;
  private active: HostState | undefined;
  private inherited: HostState | undefined;

  constructor(dependencies: JournalDependencies, statePath: string) {
    this.log = dependencies.log ?? silentLog;
    this.host = dependencies.host ?? linuxHost;
    this.owner = dependencies.owner ?? 'gateway';
    this.statePath = statePath;
  }

  get isActive(): boolean {
    return this.active !== undefined;
  }

  /** Does what is planned. Throws GatewayError HOST_NETWORK or HOST_REFUSED; whatever was done by then is taken back. */
  async apply(interfaceName: string, plan: Plan): Promise<void> {
    this.active = await this.record(interfaceName, plan);
    try {
      for (const step of plan.steps) await this.perform(step);
    } catch (cause) {
      await this.revert().catch(() => undefined);
      throw cause;
    }
  }

  /**
   * Takes everything back; throws GatewayError HOST_NETWORK after trying all of it, and keeps the record then. Returns
   * the interface it was about, or undefined when there was nothing.
   */
  async revert(): Promise<string | undefined> {
    const state = this.active;
    if (state === undefined) return undefined;
    this.active = undefined;
    const failures = await this.undo(state);
    const first = failures[0];
    if (first !== undefined) throw first;
    await forgetState(this.statePath);
    return state.interfaceName;
  }

  /**
   * Reads what that process has changed, which may hand over to this one. It stays that one's to take back until `adopt`.
   * False: there is no record of it.
   */
  async inherit(pid: number): Promise<boolean> {
    const state = await loadState(this.statePath);
    if (typeof state === 'string' || state.pid !== pid) return false;
    this.inherited = { ...state, pid: process.pid, startTime: (await this.startTimeOf(process.pid)) ?? '' };
    return true;
  }

  /** What was inherited is this process' to take back from now on. Rejects when that cannot be written down. */
  async adopt(): Promise<void> {
    const { inherited } = this;
    if (inherited === undefined) return;
    this.inherited = undefined;
    this.active = inherited;
    await saveState(this.statePath, inherited);
  }

  /** Takes back what a process that did not stop cleanly left. Throws GatewayError HOST_NETWORK when it still runs. */
  async recover(): Promise<void> {
    const state = await loadState(this.statePath);
    if (state === 'none') return;
    if (state === 'unreadable') {
      this.log.warn(
        'host-network.state-unreadable',
        'The record of an earlier run cannot be read; what that run left on the host stays.',
        { path: this.statePath },
      );
      return;
    }
    if (state.pid !== process.pid && (await this.startTimeOf(state.pid)) === state.startTime) {
      throw new GatewayError(
        'HOST_NETWORK',
        this.owner === 'gateway'
          ? `The state folder ${dirname(this.statePath)} is in use by process ${state.pid}: stop that gateway, or give ` +
              'this one another PPTP_STATE_DIR.'
          : `Process ${state.pid} has a tunnel with the device ${state.interfaceName}: stop it, or use another --tun.`,
      );
    }
    const here = await this.place();
    if (state.bootId === here.bootId && state.networkNamespace === here.networkNamespace) {
      this.log.info('host-network.recover', 'Taking back what a gateway that did not stop cleanly left on the host.', {
        interfaceName: state.interfaceName,
        pid: state.pid,
      });
      for (const failure of await this.undo(state)) {
        this.log.warn('host-network.undo-failed', failure.message);
      }
    }
    await forgetState(this.statePath);
  }

  private async record(interfaceName: string, plan: Plan): Promise<HostState> {
    const state: HostState = {
      version: 1,
      ...(await this.place()),
      pid: process.pid,
      startTime: (await this.startTimeOf(process.pid)) ?? '',
      interfaceName,
      undo: plan.undo,
    };
    try {
      await saveState(this.statePath, state);
    } catch (cause) {
      const why = cause instanceof Error ? cause.message : String(cause);
      throw new GatewayError(
        'HOST_NETWORK',
        `The record of host changes cannot be written to ${this.statePath} (${why}): make PPTP_STATE_DIR a folder that ` +
          'the gateway may write to.',
        { cause },
      );
    }
    return state;
  }

  private async place(): Promise<{ readonly bootId: string; readonly networkNamespace: string }> {
    return {
      bootId: (await this.host.read('/proc/sys/kernel/random/boot_id')) ?? '',
      networkNamespace: (await this.host.link('/proc/self/ns/net')) ?? '',
    };
  }

  /**
   * Field 22 of /proc/pid/stat; the second field may hold blanks and brackets, so count from its end. Undefined: it does not run,
   * though whose child it was may not have asked for its end yet (state Z), which in some containers nobody ever does.
   */
  private async startTimeOf(pid: number): Promise<string | undefined> {
    const stat = await this.host.read(`/proc/${pid}/stat`);
    const fields = stat?.slice(stat.lastIndexOf(')') + 2).split(' ') ?? [];
    return fields[0] === 'Z' || fields[0] === 'X' ? undefined : fields[19];
  }

  /** What other gateways in this network namespace changed. */
  async changedByOthers(ownInterface: string): Promise<readonly RememberedSysctl[]> {
    const own = tableName(ownInterface);
    const list = await this.run({ program: 'nft', args: ['-j', 'list', 'tables', 'ip'] });
    const found: RememberedSysctl[] = [];
    for (const table of gatewayTables(list.stdout)) {
      if (table === own) continue;
      const chain: Command = { program: 'nft', args: ['-j', 'list', 'chain', 'ip', table, MEMORY_CHAIN] };
      // The other gateway may have stopped since.
      const result = await this.host.run(chain);
      if (result.code === 0) found.push(...rememberedSysctls(result.stdout));
    }
    return found;
  }

  /** Names of the host's interfaces. */
  async interfaces(): Promise<readonly string[]> {
    const list = await this.run({ program: 'ip', args: ['-j', 'link', 'show'] });
    return interfaceNames(list.stdout);
  }

  private async run(command: Command): Promise<CommandResult> {
    const result = await this.host.run(command);
    if (result.code !== 0) throw commandError(command, result, this.owner);
    return result;
  }

  private async perform(step: Step): Promise<void> {
    if (step.kind === 'run') await this.run(step.command);
    else await this.setSysctl(step.path, step.value);
  }

  /** Left alone when it has the value already: /proc/sys may be read-only, and right. */
  private async setSysctl(path: SysctlPath, value: string): Promise<void> {
    if ((await this.host.read(path)) === value) return;
    try {
      await this.host.write(path, value);
    } catch (cause) {
      throw sysctlError(path, value, cause);
    }
  }

  private async undo(state: HostState): Promise<readonly GatewayError[]> {
    const failures: GatewayError[] = [];
    let needed: readonly RememberedSysctl[] = [];
    try {
      const any = state.undo.some(({ kind }) => kind === 'sysctl');
      if (any) needed = await this.changedByOthers(state.interfaceName);
    } catch (cause) {
      if (cause instanceof GatewayError) failures.push(cause);
    }
    for (const step of state.undo) {
      const failure = await this.takeBack(step, needed);
      if (failure !== undefined) failures.push(failure);
    }
    return failures;
  }

  private async takeBack(step: UndoStep, needed: readonly RememberedSysctl[]): Promise<GatewayError | undefined> {
    if (step.kind === 'run') {
      const result = await this.host.run(step.command);
      return result.code === 0 || isGone(result) ? undefined : commandError(step.command, result, this.owner);
    }
    const gone = (await this.host.read(step.path)) === undefined;
    if (gone || needed.some((other) => other.path === step.path)) return undefined;
    try {
      await this.setSysctl(step.path, step.value);
      return undefined;
    } catch (cause) {
      return cause instanceof GatewayError ? cause : sysctlError(step.path, step.value, cause);
    }
  }
}
