import type { Command } from 'commander';
import type { LoadedConfig } from '../../config/load.ts';
import type { Environment } from '../../config/sources.ts';
import type { Peer } from '../doctor/examine.ts';
import type { Finding } from '../doctor/finding.ts';
import { addConfigOptions, sourcesOf } from './config-options.ts';
import { addConnectionOptions, patienceOf, remoteTarget } from './connection.ts';
import type { DialOrder } from './dial.ts';
import { EXIT } from './exit.ts';
import { type AdminVerbs, gatewayAt, type RunningGateway, socketOf } from './running-gateway.ts';
import type { CliTerminal } from './terminal.ts';
import type { UserAdmin } from './user-admin.ts';

/** What the verbs do; the composition root gives the real ones, tests others. */
export interface CliServices {
  readonly version: string;
  readonly env: Environment;
  /** MTU of the interface that calls to this address come in on; undefined when that is not known. */
  outerMtu?(this: void, listen: string): number | undefined;
  readonly terminal: CliTerminal;
  /** Runs the gateway until it is told to stop; resolves with the exit code. */
  runGateway(loaded: LoadedConfig): Promise<number>;
  /** Keeps a tunnel to a server up until told to stop; resolves with the exit code. */
  dial(loaded: LoadedConfig, order: DialOrder): Promise<number>;
  /** What on this host, and on the way to that server, keeps calls from working. */
  examine(loaded: LoadedConfig, peer: Peer | undefined): Promise<readonly Finding[]>;
  /** The users of a file. */
  openUsers(file: string): UserAdmin | Promise<UserAdmin>;
}

/** What the file of a verb is given that has nothing to do with the configuration. */
export interface PlainCli {
  readonly program: Command;
  readonly services: CliServices;
  readonly terminal: CliTerminal;
  /** Told the exit code of the verb that ran. */
  finish(code: number): void;
  /** The program with all its verbs, for what is made of it. */
  whole(): Promise<Command>;
}

/** What the file of a verb is given to add itself to the program. */
export interface Cli extends PlainCli, AdminVerbs {
  /** The configuration of a verb. Plug-ins are not looked at. `set`: keys set before the operator's own. */
  load(command: Command, set?: readonly string[]): Promise<LoadedConfig>;
  /** With the plug-ins that it names, and their settings. */
  loadWithPlugins(command: Command): Promise<LoadedConfig>;
  /** Adds the options of the configuration, and hands it over. */
  withConfig(command: Command, work: (loaded: LoadedConfig, ...args: string[]) => Promise<number>): Command;
  withPlugins(command: Command, work: (loaded: LoadedConfig) => Promise<number>): Command;
  /** The gateway that the flags of a verb with `action` name. `withinMs`: how long an answer may take without `--timeout`. */
  gatewayOf(
    command: Command,
    withinMs?: number,
  ): Promise<{ readonly gateway: RunningGateway; readonly where: 'socket' | 'remote' }>;
}

export const cliContext = (plain: PlainCli): Cli => {
  const { services, terminal, finish } = plain;

  const load: Cli['load'] = async (command, set) => {
    const { loadConfig } = await import('../../config/load.ts');
    return loadConfig(sourcesOf(command, services, set));
  };

  const loadWithPlugins: Cli['loadWithPlugins'] = async (command) => {
    await import('reflect-metadata');
    const { loadConfigWithPlugins } = await import('../plugins/configure.ts');
    return loadConfigWithPlugins(sourcesOf(command, services));
  };

  const gatewayOf: Cli['gatewayOf'] = async (command, withinMs) => {
    const remote = await remoteTarget(command, services.env, terminal.err);
    const target = remote ?? socketOf((await load(command)).config);
    const gateway = gatewayAt(target, { warn: terminal.err, withinMs: patienceOf(command) ?? withinMs });
    return { gateway, where: remote === undefined ? 'socket' : 'remote' };
  };

  return {
    ...plain,
    load,
    loadWithPlugins,
    gatewayOf,
    withConfig: (command, work) =>
      addConfigOptions(command).action(async () => finish(await work(await load(command), ...command.args))),
    withPlugins: (command, work) =>
      addConfigOptions(command).action(async () => finish(await work(await loadWithPlugins(command)))),
    action: (command, work) =>
      addConfigOptions(addConnectionOptions(command), 'socket').action(async () => {
        const { gateway } = await gatewayOf(command);
        const code = await work(gateway, ...command.args);
        finish(typeof code === 'number' ? code : EXIT.done);
      }),
  };
};
