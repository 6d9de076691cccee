import { Command, CommanderError } from 'commander';
import { effectiveLines } from '../config/describe.ts';
import { type ConfigSources, type LoadedConfig, loadConfig } from '../config/load.ts';
import { KEYS } from '../config/schema.ts';
import type { Environment } from '../config/sources.ts';
import { GatewayError } from '../core/errors.ts';
import { type AdminVerbs, runningGateway } from './cli/admin.ts';
import { addCaptureVerb } from './cli/capture.ts';
import { addDialVerb, type DialOrder } from './cli/dial.ts';
import { addDoctorVerb } from './cli/doctor.ts';
import { addExplainVerb } from './cli/explain.ts';
import { addLogLevelVerb } from './cli/log-level.ts';
import type { CliTerminal } from './cli/password.ts';
import { addPluginVerbs } from './cli/plugins.ts';
import { addTraceVerb } from './cli/trace.ts';
import { addTunnelsVerb } from './cli/tunnels.ts';
import { addUserVerbs, type UserAction, type UserAdmin } from './cli/users.ts';
import type { Peer } from './doctor/examine.ts';
import type { Finding } from './doctor/finding.ts';

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
  openUsers(file: string): UserAdmin;
}

/** 0: done. 1: the operator has to change something, said on one line. 2: wrong usage. */
export const EXIT = { done: 0, failed: 1, usage: 2 } as const;

const PROGRAM = 'pptp-gateway';
const collect = (value: string, earlier: readonly string[]): readonly string[] => [...earlier, value];
const flagKeys = KEYS.flatMap((key) => (key.flag === undefined ? [] : [{ ...key, flag: key.flag }]));

/** `--config`, `--set` and the flags that keys have of their own. */
const addConfigOptions = (command: Command): Command => {
  command
    .option('--config <file>', 'configuration file (YAML or JSON; also PPTP_CONFIG)')
    .option('--set <key=value>', 'set any key of the configuration; may be repeated', collect, []);
  for (const { flag, doc, env } of flagKeys) command.option(`${flag} <value>`, `${doc} (${env})`);
  return command;
};

const namedFlags = (command: Command): Record<string, string | undefined> => {
  const values: Readonly<Record<string, unknown>> = command.opts();
  const given: Record<string, string | undefined> = {};
  for (const option of command.options) {
    const key = flagKeys.find(({ flag }) => flag === option.long);
    const value = values[option.attributeName()];
    if (key !== undefined && typeof value === 'string') given[key.path] = value;
  }
  return given;
};

/** `first`: keys set before the operator's own, by a verb whose flags are not the configuration's. */
const sourcesOf = (command: Command, { env, outerMtu }: CliServices, first?: readonly string[]): ConfigSources => {
  const { config: file, set: given } = command.opts<{ readonly config?: string; readonly set: readonly string[] }>();
  const set = [...(first ?? []), ...given];
  const named = first === undefined ? namedFlags(command) : {};
  const path = outerMtu === undefined ? {} : { outerMtu };
  return { env, set, named, ...path, ...(file === undefined ? {} : { file }) };
};

/** For verbs that have no use for plug-ins: what is theirs is not looked at. */
const load = (command: Command, services: CliServices, first?: readonly string[]): LoadedConfig =>
  loadConfig(sourcesOf(command, services, first));

/** With the plug-ins that it names, and their settings. */
const loadAll = async (command: Command, services: CliServices): Promise<LoadedConfig> => {
  const sources = sourcesOf(command, services);
  const { loadConfigWithPlugins } = await import('./plugins/configure.ts');
  return loadConfigWithPlugins(sources);
};

const showConfig = (loaded: LoadedConfig, { out }: CliTerminal): void => {
  const lines = effectiveLines(loaded);
  const keyWidth = Math.max(...lines.map(({ key }) => key.length));
  const valueWidth = Math.min(40, Math.max(...lines.map(({ value }) => value.length)));
  for (const { key, value, origin } of lines) {
    out(`${key.padEnd(keyWidth)}  ${value.padEnd(valueWidth)}  (${origin})`);
  }
};

/** The command line. `finish` is told the exit code of the verb that ran. */
const buildProgram = (services: CliServices, finish: (code: number) => void): Command => {
  const { terminal } = services;
  const program = new Command(PROGRAM)
    .description('PPTP edge gateway: accepts PPTP clients and routes them into the intranet; dials PPTP servers.')
    .showSuggestionAfterError()
    .configureOutput({
      writeOut: (text) => terminal.out(text.trimEnd()),
      writeErr: (text) => terminal.err(text.trimEnd()),
    })
    .exitOverride();

  const withConfig = (command: Command, work: (loaded: LoadedConfig, ...args: string[]) => Promise<number>): Command =>
    addConfigOptions(command).action(async () => finish(await work(load(command, services), ...command.args)));

  const withPlugins = (command: Command, work: (loaded: LoadedConfig) => Promise<number>): Command =>
    addConfigOptions(command).action(async () => finish(await work(await loadAll(command, services))));

  withPlugins(
    program.command('run').description('Runs the gateway in the foreground until SIGTERM or SIGINT.'),
    (loaded) => services.runGateway(loaded),
  );

  addDialVerb(program, {
    terminal,
    load: (command, set) => load(command, services, set),
    dial: services.dial,
    finish,
  });

  const userAction: UserAction = (command, work) =>
    withConfig(command, async ({ config }, ...args) => {
      await work(services.openUsers(config.users.file), config, ...args);
      return EXIT.done;
    });
  addUserVerbs(program, terminal, userAction);
  addDoctorVerb(program, { terminal, withConfig, examine: services.examine });

  const verbs: AdminVerbs = {
    program,
    terminal,
    action: (command, work) =>
      withConfig(command, async ({ config }, ...args) => {
        await work(runningGateway(config, terminal.err), ...args);
        return EXIT.done;
      }),
  };
  addTunnelsVerb(verbs);
  addLogLevelVerb(verbs);
  addExplainVerb(verbs);
  addCaptureVerb(verbs);
  addTraceVerb(verbs);
  addPluginVerbs({
    program,
    terminal,
    finish,
    version: services.version,
    withSources: (command, work) =>
      addConfigOptions(command).action(async () => finish(await work(sourcesOf(command, services)))),
  });

  const config = program.command('config').description('Looks at the configuration without running anything.');
  withPlugins(
    config.command('check').description('Prints everything that is wrong with it, at once.'),
    async (loaded) => {
      for (const warning of loaded.warnings) terminal.out(`warning: ${warning}`);
      terminal.out('the configuration is valid');
      return EXIT.done;
    },
  );
  withPlugins(
    config.command('show').description('Prints the values in force and where each came from.'),
    async (loaded) => {
      showConfig(loaded, terminal);
      return EXIT.done;
    },
  );

  program
    .command('version')
    .description('Prints the version.')
    .action(() => {
      terminal.out(`${PROGRAM} ${services.version} (Node ${process.versions.node})`);
      finish(EXIT.done);
    });
  return program;
};

/**
 * Runs the verb that `argv` (without node and script) names and resolves with the exit code. Operator errors become one
 * line `pptp-gateway: CODE: sentence` on standard error (a bad configuration one line per problem); a bug keeps its stack.
 */
export const runCli = async (argv: readonly string[], services: CliServices): Promise<number> => {
  let code: number = EXIT.usage;
  const program = buildProgram(services, (result) => {
    code = result;
  });
  try {
    await program.parseAsync(argv, { from: 'user' });
    return code;
  } catch (error) {
    if (error instanceof CommanderError) return error.exitCode === 0 ? EXIT.done : EXIT.usage;
    if (error instanceof GatewayError) services.terminal.err(`${PROGRAM}: ${error.code}: ${error.message}`);
    else services.terminal.err(`${PROGRAM}: internal error: ${error instanceof Error ? error.stack : String(error)}`);
    return EXIT.failed;
  }
};
