import { Container, ContainerModule } from 'inversify';
import { type ConfigSources, type ReadConfig, readConfig } from '../../config/load.ts';
import { type ResolvedSettings, resolvePluginSettings } from '../../config/plugin-settings.ts';
import { type ConfigProblem, formatProblem } from '../../config/problems.ts';
import { describeOrigin } from '../../config/types.ts';
import { silentLog } from '../../core/ports/log.ts';
import { builtinPlugins } from '../builtin-plugins.ts';
import { type LoadedPlugin, withGiven } from '../plugin-loader.ts';
import { type Claim, Registration } from './bindings.ts';
import { importEach } from './configure.ts';
import { declaredBy, type ImportedPlugin } from './import-plugins.ts';
import { orderPlugins } from './load-order.ts';
import { pluginError, sentenceOf } from './plugin-error.ts';
import type { PluginSource } from './plugin-source.ts';
import { GIVEN_BY_GATEWAY, isGatewayToken, tokenName } from './tokens-of-plugins.ts';

export interface PluginReport {
  readonly name: string;
  readonly kind: PluginSource['kind'] | 'unknown';
  readonly specifier?: string;
  readonly packageName?: string;
  readonly version?: string;
  readonly file?: string;
  readonly api?: number;
  readonly requires: readonly string[];
  readonly bindings: readonly { readonly token: string; readonly replacedBy?: string }[];
  readonly settings: readonly {
    readonly setting: string;
    readonly env: string;
    readonly shown: string;
    readonly origin: string;
    /** A reload brings a new value into force. */
    readonly live: boolean;
  }[];
  /** Why it could not be loaded. */
  readonly failure?: string;
}

export interface PluginList {
  /** In the order in which they register. */
  readonly plugins: readonly PluginReport[];
  /** Who brings what of the gateway's own tokens, in the order of asking. */
  readonly order: readonly { readonly token: string; readonly plugins: readonly string[] }[];
  /** What else is wrong with the configuration. */
  readonly problems: readonly string[];
}

/** What the plug-ins of a configuration are and bring. Nothing runs, and a plug-in that fails only fails for itself. */
export async function listPlugins(sources: ConfigSources): Promise<PluginList> {
  const read = readConfig(sources);
  const { config } = read.loaded;
  const { imported, failures } = await importEach(config.plugins);
  const resolved = resolvePluginSettings(imported.map(declaredBy), read.loaded.pluginInputs);
  const problems = problemsOf(read, imported, resolved, failures.length > 0);
  const whys = new Map<string, string>();
  const operators = imported.flatMap((one) =>
    attempt(() => [withGiven(one, resolved.given[one.plugin.name])], one.plugin.name, whys),
  );
  const builtIns = attempt(() => builtinPlugins(config, () => undefined), 'the built-in plug-ins', whys);
  const plugins = ordered([...operators, ...builtIns], problems);
  const claims = claimsOf(plugins, whys);
  // These say where a value came from, which a plug-in that was given all of them does not know.
  for (const { plugin } of imported) {
    const wrong = resolved.problems.filter(ofPlugin(plugin.name)).map(formatProblem);
    if (wrong.length > 0) whys.set(plugin.name, pluginError(`"${plugin.name}"`, wrong.join(' ')).message);
  }
  return {
    plugins: [
      ...failures.map(({ specifier, error }) => failed(specifier, error.message)),
      ...imported
        .filter(({ plugin }) => !operators.some(({ name }) => name === plugin.name))
        .map((one) => reportOf(one.plugin, one.source, [], resolved, whys)),
      ...plugins.map((one) => reportOf(one, one.source, claims, resolved, whys)),
    ],
    order: orderOf(claims),
    problems: [...problems, ...(whys.has('the built-in plug-ins') ? [whys.get('the built-in plug-ins') ?? ''] : [])],
  };
}

/** All but what belongs to a plug-in and is told there. */
const problemsOf = (
  { loaded, problems }: ReadConfig,
  imported: readonly ImportedPlugin[],
  resolved: ResolvedSettings,
  incomplete: boolean,
): string[] => {
  // Without a plug-in nobody knows what its settings are.
  const further = incomplete || loaded.config.plugins.length === 0 ? [] : resolved.problems;
  const own = further.filter((problem) => !imported.some(({ plugin }) => ofPlugin(plugin.name)(problem)));
  return [...problems, ...own].map(formatProblem);
};

const ofPlugin = (name: string): ((problem: ConfigProblem) => boolean) => {
  const prefix = `pluginOptions.${name}`;
  return ({ key }) => key === prefix || key?.startsWith(`${prefix}.`) === true;
};

const attempt = <T>(work: () => readonly T[], name: string, whys: Map<string, string>): readonly T[] => {
  try {
    return work();
  } catch (cause) {
    whys.set(name, sentenceOf(cause));
    return [];
  }
};

const ordered = (plugins: readonly LoadedPlugin[], problems: string[]): readonly LoadedPlugin[] => {
  try {
    return orderPlugins(plugins);
  } catch (cause) {
    problems.push(sentenceOf(cause));
    return plugins;
  }
};

/** What each binds, in a container of which nothing is ever made. */
function claimsOf(plugins: readonly LoadedPlugin[], whys: Map<string, string>): readonly Claim[] {
  const container = new Container();
  container.load(
    new ContainerModule(({ bind }) => {
      for (const token of GIVEN_BY_GATEWAY) bind(token).toConstantValue(undefined);
    }),
  );
  const registration = new Registration(container, silentLog);
  for (const plugin of plugins) {
    try {
      registration.register(plugin);
    } catch (cause) {
      whys.set(plugin.name, sentenceOf(cause));
    }
  }
  return registration.claims;
}

const failed = (specifier: string, failure: string): PluginReport => ({
  name: specifier,
  kind: 'unknown',
  specifier,
  requires: [],
  bindings: [],
  settings: [],
  failure,
});

const reportOf = (
  { name, api, requires = [] }: Pick<LoadedPlugin, 'name' | 'api'> & { readonly requires?: readonly string[] },
  source: PluginSource,
  claims: readonly Claim[],
  { inForce }: ResolvedSettings,
  whys: ReadonlyMap<string, string>,
): PluginReport => {
  const failure = whys.get(name);
  return {
    name,
    ...source,
    api,
    requires,
    bindings: claims
      .filter(({ plugin, token }) => plugin.name === name && isGatewayToken(token))
      .map(({ token, replacedBy }) => ({
        token: tokenName(token),
        ...(replacedBy && { replacedBy: replacedBy.name }),
      })),
    settings:
      source.kind === 'built-in'
        ? []
        : inForce
            .filter(({ plugin }) => plugin === name)
            .map(({ setting, env, shown, origin, live }) => ({
              setting,
              env,
              shown,
              origin: describeOrigin(origin),
              live,
            })),
    ...(failure === undefined ? {} : { failure }),
  };
};

const orderOf = (claims: readonly Claim[]): PluginList['order'] => {
  const byToken = new Map<string, string[]>();
  for (const { plugin, token, replacedBy } of claims) {
    if (replacedBy !== undefined || !isGatewayToken(token)) continue;
    const names = byToken.get(tokenName(token)) ?? [];
    byToken.set(tokenName(token), names);
    if (!names.includes(plugin.name)) names.push(plugin.name);
  }
  return [...byToken].map(([token, plugins]) => ({ token, plugins }));
};
