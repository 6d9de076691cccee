import type { Command } from 'commander';
import type { PluginLine } from '../admin/api/operations.ts';
import type { PluginList, PluginReport } from '../plugins/list-plugins.ts';
import { addConfigOptions, sourcesOf } from './config-options.ts';
import { addConnectionOptions } from './connection.ts';
import type { Cli } from './context.ts';
import { EXIT } from './exit.ts';
import { addNewPluginVerb } from './plugins-new.ts';
import { type Column, tableOf } from './table.ts';

interface ListFlags {
  readonly running?: true;
  readonly json?: true;
  readonly url?: string;
}

const RUNNING_COLUMNS: readonly Column<PluginLine>[] = [
  { title: 'PLUG-IN', cell: ({ name }) => name },
  { title: 'FROM', cell: ({ source }) => source },
  { title: 'BRINGS', cell: ({ binds }) => binds.join(', ') },
];

/** Adds `plugins` and what is below it; further verbs about plug-ins go there, too. */
export const addPluginVerbs = (cli: Cli): void => {
  const { program, terminal, finish, services } = cli;
  const plugins = program.command('plugins').description('Plug-ins: what is loaded and what they bring.');
  addListVerb(plugins, cli);
  addNewPluginVerb(plugins, { terminal, finish, version: services.version });
};

const addListVerb = (plugins: Command, { terminal, services, gatewayOf, finish }: Cli): void => {
  const list = plugins
    .command('list')
    .description('Shows each plug-in of this configuration, where it is from, what it brings and its settings.')
    .option('--running', 'those that the running gateway has loaded')
    .option('--json', 'one JSON document for programs');
  const ofConfiguration = async (json: boolean): Promise<number> => {
    await import('reflect-metadata');
    const { listPlugins } = await import('../plugins/list-plugins.ts');
    const found = await listPlugins(sourcesOf(list, services));
    if (json) terminal.out(JSON.stringify(found, null, 2));
    else for (const line of listLines(found)) terminal.out(line);
    return found.problems.length > 0 || found.plugins.some(({ failure }) => failure !== undefined)
      ? EXIT.failed
      : EXIT.done;
  };
  const ofRunning = async (json: boolean): Promise<number> => {
    const { gateway } = await gatewayOf(list);
    const found = await gateway.get<{ readonly plugins: readonly PluginLine[] }>('/v1/plugins');
    if (json) terminal.out(JSON.stringify(found, null, 2));
    else for (const line of tableOf(RUNNING_COLUMNS, found.plugins)) terminal.out(line);
    return EXIT.done;
  };
  addConfigOptions(addConnectionOptions(list)).action(async () => {
    const { running, json = false, url } = list.opts<ListFlags>();
    finish(await (running === true || url !== undefined ? ofRunning(json) : ofConfiguration(json)));
  });
};

/** The list for people. */
export const listLines = ({ plugins, order, problems }: PluginList): readonly string[] => [
  ...plugins.flatMap(pluginLines),
  '',
  'Asked in this order:',
  ...order.map(({ token, plugins: names }) => `  ${token.padEnd(16)}  ${names.join(', ')}`),
  ...(problems.length === 0 ? [] : ['', 'Wrong with the configuration:', ...problems.map((one) => `  ${one}`)]),
];

const pluginLines = (plugin: PluginReport): readonly string[] => {
  const { name, kind, specifier, api, requires, bindings, settings, failure } = plugin;
  const from = [packageText(plugin), specifier === undefined || specifier === name ? undefined : `from ${specifier}`];
  const facts = [kind, ...from, api === undefined ? undefined : `interface ${api}`];
  const brings = bindings.map(({ token, replacedBy }) =>
    replacedBy === undefined ? token : `${token} (${replacedBy} has its place)`,
  );
  return [
    `${name}: ${facts.filter((fact) => fact !== undefined).join(', ')}`,
    ...(failure === undefined ? [] : [`  FAILED    ${failure}`]),
    ...(requires.length === 0 ? [] : [`  needs     ${requires.join(', ')}`]),
    ...(brings.length === 0 ? [] : [`  brings    ${brings.join(', ')}`]),
    ...settings.map(({ setting, env, shown, origin, live }) => {
      const where = origin.includes(env) ? origin : `${origin}; ${env}`;
      return `  setting   ${setting} = ${shown}  (${where}${live ? '; live' : ''})`;
    }),
  ];
};

const packageText = ({ packageName, version }: PluginReport): string | undefined =>
  packageName === undefined ? undefined : `package ${packageName}${version === undefined ? '' : ` ${version}`}`;
