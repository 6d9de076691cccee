import { type Command, Option } from 'commander';
import type { ConfigSources } from '../../config/load.ts';
import { KEYS } from '../../config/schema.ts';
import type { Environment } from '../../config/sources.ts';
import { COMMAND_ENV } from './connection.ts';

export const CONFIG_GROUP = 'Configuration:';
const collect = (value: string, earlier: readonly string[] = []): readonly string[] => [...earlier, value];
const flagKeys = KEYS.flatMap((key) => (key.flag === undefined ? [] : [{ ...key, flag: key.flag }]));

/** Keys that say where a running gateway answers: the others are no concern of a verb that asks one. */
const ABOUT_SOCKET: ReadonlySet<string> = new Set(['profile', 'stateDir', 'admin.socket']);

/** `--config`, `--set` and the flags that keys have of their own; a verb that asks a gateway shows few of them. */
export const addConfigOptions = (command: Command, about: 'everything' | 'socket' = 'everything'): Command => {
  const options = [
    new Option('--config <file>', 'configuration file (YAML or JSON; also PPTP_CONFIG)'),
    new Option('--set <key=value>', 'set any key of the configuration; may be repeated').argParser(collect),
    ...flagKeys.map(({ flag, doc, env, path }) => {
      const option = new Option(`${flag} <value>`, `${doc} (${env})`);
      return about === 'everything' || ABOUT_SOCKET.has(path) ? option : option.hideHelp();
    }),
  ];
  for (const option of options) command.addOption(option.helpGroup(CONFIG_GROUP));
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

/** What of an environment is about a gateway. */
export const withoutCommandNames = (env: Environment): Environment => {
  const rest = { ...env };
  for (const name of COMMAND_ENV) delete rest[name];
  return rest;
};

/** Where a configuration comes from besides the command. */
export interface ConfigSurroundings {
  readonly env: Environment;
  /** MTU of the interface that calls to this address come in on; undefined when that is not known. */
  outerMtu?(this: void, listen: string): number | undefined;
}

interface ConfigFlags {
  readonly config?: string;
  readonly set?: readonly string[];
}

/** `first`: keys set before the operator's own, by a verb whose flags are not the configuration's. */
export const sourcesOf = (
  command: Command,
  { env, outerMtu }: ConfigSurroundings,
  first?: readonly string[],
): ConfigSources => {
  const { config: file, set: given = [] } = command.opts<ConfigFlags>();
  const set = [...(first ?? []), ...given];
  const named = first === undefined ? namedFlags(command) : {};
  const path = outerMtu === undefined ? {} : { outerMtu };
  return { env: withoutCommandNames(env), set, named, ...path, ...(file === undefined ? {} : { file }) };
};
