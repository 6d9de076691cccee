import type { Command } from 'commander';
import type { ConfigSources } from '../../config/load.ts';
import type { PluginList, PluginReport } from '../plugins/list-plugins.ts';
import type { CliTerminal } from './password.ts';
import { addNewPluginVerb } from './plugins-new.ts';

/** What verbs about plug-ins need of the command line. */
export interface PluginVerbs {
  readonly program: Command;
  readonly terminal: Pick<CliTerminal, 'out' | 'err'>;
  /** The options of the configuration, which is not read before the verb does it. */
  withSources(command: Command, work: (sources: ConfigSources) => Promise<number>): void;
  readonly version: string;
  finish(code: number): void;
}

const EXIT = { done: 0, failed: 1 } as const;

/** Adds `plugins` and what is below it; further verbs about plug-ins go there, too. */
export const addPluginVerbs = (verbs: PluginVerbs): void => {
  const plugins = verbs.program.command('plugins').description('Plug-ins: what is loaded and what they bring.');
  addListVerb(plugins, verbs);
  addNewPluginVerb(plugins, verbs);
};

const addListVerb = (plugins: Command, { terminal, withSources }: PluginVerbs): void => {
  const list = plugins
    .command('list')
    .description('Shows each plug-in of this configuration, where it is from, what it brings and its settings.')
    .option('--json', 'one JSON document for programs');
  withSources(list, async (sources) => {
    const { listPlugins } = await import('../plugins/list-plugins.ts');
    const found = await listPlugins(sources);
    if (list.opts<{ readonly json?: true }>().json === true) terminal.out(JSON.stringify(found, null, 2));
    else for (const line of listLines(found)) terminal.out(line);
    return found.problems.length > 0 || found.plugins.some(({ failure }) => failure !== undefined)
      ? EXIT.failed
      : EXIT.done;
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
    ...settings.map(({ setting, env, shown, origin }) => {
      const where = origin.includes(env) ? origin : `${origin}; ${env}`;
      return `  setting   ${setting} = ${shown}  (${where})`;
    }),
  ];
};

const packageText = ({ packageName, version }: PluginReport): string | undefined =>
  packageName === undefined ? undefined : `package ${packageName}${version === undefined ? '' : ` ${version}`}`;
