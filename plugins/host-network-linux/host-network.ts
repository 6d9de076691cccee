import { join } from 'node:path';
import { GatewayError } from '../../core/errors.ts';
import type { CancelSignal } from '../../core/ports/cancel.ts';
import type { Lifecycle } from '../../core/ports/lifecycle.ts';
import { type Log, silentLog } from '../../core/ports/log.ts';
import { commandError, isGone, sysctlError } from './host-errors.ts';
import type { HostNetworkConfig } from './host-network-config.ts';
import { type Command, type CommandResult, type HostSystem, linuxHost } from './host-system.ts';
import { gatewayTables, MEMORY_CHAIN, type RememberedSysctl, rememberedSysctls, tableName } from './nft-table.ts';
import { type HostFacts, type Plan, planUp, type Step, sysctlsOf, type UndoStep } from './plan.ts';
import { forgetState, type HostState, loadState, saveState } from './state-file.ts';
import { disableIpv6Path, proxyArpPath, type SysctlPath } from './sysctl.ts';

export type HostNetworkOptions = Omit<HostNetworkConfig, 'interfaceName'> & {
  /** An existing or creatable folder that is this gateway's own. */
  readonly stateDirectory: string;
};

export interface HostNetworkDependencies {
  /** Started before us: the interface must exist. */
  readonly tun: { readonly interfaceName: string };
  readonly log?: Log;
  readonly host?: HostSystem;
}

const STATE_FILE = 'host-network.json';

/**
 * Address, routes, forwarding, packet filter and proxy ARP of the host. What is about to change is written to the state
 * folder first, so that `stop`, or after a crash the next `start`, takes back exactly that.
 */
export class HostNetwork implements Lifecycle {
  readonly name = 'host-network';
  private readonly options: HostNetworkOptions;
  private readonly tun: { readonly interfaceName: string };
  private readonly log: Log;
  private readonly host: HostSystem;
  private readonly statePath: string;
  private active: HostState | undefined;

  constructor(dependencies: HostNetworkDependencies, options: HostNetworkOptions) {
    this.options = options;
    this.tun = dependencies.tun;
    this.log = dependencies.log ?? silentLog;
    this.host = dependencies.host ?? linuxHost;
    this.statePath = join(options.stateDirectory, STATE_FILE);
  }

  /** Throws GatewayError HOST_NETWORK; whatever was done by then is taken back. */
  async start(signal: CancelSignal): Promise<void> {
    if (this.active !== undefined || signal.aborted) return;
    await this.undoPrevious();
    const config: HostNetworkConfig = { ...this.options, interfaceName: this.tun.interfaceName };
    const plan = planUp(config, await this.facts(config));
    this.active = await this.record(plan);
    try {
      for (const step of plan.steps) await this.perform(step);
    } catch (cause) {
      await this.stop().catch(() => undefined);
      throw cause;
    }
    const { interfaceName, mtu, nat, proxyArp } = config;
    this.log.info('host-network.up', 'The host network is set up.', { interfaceName, mtu, nat: nat.mode, proxyArp });
  }

  /** Takes everything back; throws GatewayError HOST_NETWORK after trying all of it, and keeps the record then. */
  async stop(): Promise<void> {
    const state = this.active;
    if (state === undefined) return;
    this.active = undefined;
    const failures = await this.undo(state);
    const first = failures[0];
    if (first !== undefined) throw first;
    await forgetState(this.statePath);
    this.log.info('host-network.down', 'The host network is as it was.', { interfaceName: state.interfaceName });
  }

  private async undoPrevious(): Promise<void> {
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
        `The state folder ${this.options.stateDirectory} is in use by process ${state.pid}: stop that gateway, or give ` +
          'this one another PPTP_STATE_DIR.',
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

  private async record(plan: Plan): Promise<HostState> {
    const state: HostState = {
      version: 1,
      ...(await this.place()),
      pid: process.pid,
      startTime: (await this.startTimeOf(process.pid)) ?? '',
      interfaceName: this.tun.interfaceName,
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

  /** Field 22 of /proc/pid/stat; the second field may hold blanks and brackets, so count from its end. */
  private async startTimeOf(pid: number): Promise<string | undefined> {
    const stat = await this.host.read(`/proc/${pid}/stat`);
    return stat?.slice(stat.lastIndexOf(')') + 2).split(' ')[19];
  }

  private async facts(config: HostNetworkConfig): Promise<HostFacts> {
    const sysctls = new Map<SysctlPath, string>();
    for (const path of [...sysctlsOf(config), disableIpv6Path(config.interfaceName)]) {
      const value = await this.host.read(path);
      if (value !== undefined) sysctls.set(path, value);
    }
    for (const [name, path] of this.proxyArpPaths(config)) {
      if (!sysctls.has(path)) {
        throw new GatewayError(
          'HOST_NETWORK',
          `There is no interface "${name}" to answer ARP on: correct PPTP_PROXY_ARP (ip link shows the interfaces).`,
        );
      }
    }
    return { sysctls, others: await this.changedByOthers(config.interfaceName) };
  }

  private proxyArpPaths(config: HostNetworkConfig): readonly (readonly [string, SysctlPath])[] {
    return config.proxyArp.map((name) => [name, proxyArpPath(name)] as const);
  }

  private async changedByOthers(ownInterface: string): Promise<readonly RememberedSysctl[]> {
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

  private async run(command: Command): Promise<CommandResult> {
    const result = await this.host.run(command);
    if (result.code !== 0) throw commandError(command, result);
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
      needed = await this.changedByOthers(state.interfaceName);
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
      return result.code === 0 || isGone(result) ? undefined : commandError(step.command, result);
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
