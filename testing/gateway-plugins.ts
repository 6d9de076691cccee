import { pluginPrefix } from '../config/plugin-names.ts';
import { type ResolvedSettings, resolvePluginSettings, type SettingInForce } from '../config/plugin-settings.ts';
import { ConfigError } from '../config/problems.ts';
import type { GatewayConfig } from '../config/types.ts';
import type { GatewayPlugin } from '../core/ports/plugin.ts';
import { type LoadedPlugin, loadPlugins, withGiven } from '../gateway/plugin-loader.ts';
import { judged, loadConfigWithPlugins } from '../gateway/plugins/configure.ts';
import { declaredBy, type ImportedPlugin } from '../gateway/plugins/import-plugins.ts';
import { pluginError } from '../gateway/plugins/plugin-error.ts';
import { isPlugin, whyNoPlugin } from '../gateway/plugins/plugin-shape.ts';
import { GIVEN } from '../gateway/plugins/plugin-source.ts';

export interface ReadGateway {
  readonly config: GatewayConfig;
  /** What each plug-in is given, by its name. */
  readonly given: Readonly<Record<string, Readonly<Record<string, unknown>>>>;
  /** Settings of all plug-ins. */
  readonly settings: readonly SettingInForce[];
}

export interface LoadedGateway extends ReadGateway {
  /** Those of the configuration (PPTP_PLUGINS), then the objects. */
  readonly plugins: readonly LoadedPlugin[];
}

/** The configuration and the plug-ins of an environment, with plug-ins that are no packages yet. */
export async function loadWithObjects(
  objects: readonly GatewayPlugin[],
  env: Readonly<Record<string, string>>,
): Promise<LoadedGateway> {
  const { read, imported } = await readAll(objects, env);
  const packaged = await loadPlugins(read.config.plugins, read.config.pluginOptions);
  const own = imported.map((one) => withGiven(one, read.given[one.plugin.name]));
  return { ...read, plugins: [...packaged, ...own] };
}

/** The same, checked and not loaded. */
export const readWithObjects = async (
  objects: readonly GatewayPlugin[],
  env: Readonly<Record<string, string>>,
): Promise<ReadGateway> => (await readAll(objects, env)).read;

async function readAll(objects: readonly GatewayPlugin[], env: Readonly<Record<string, string>>) {
  const imported = objects.map(asImported);
  const prefixes = imported.map(({ plugin }) => pluginPrefix(plugin.name));
  const isTheirs = ([name]: readonly [string, string]): boolean => prefixes.some((prefix) => name.startsWith(prefix));
  const all = Object.entries(env);
  const { config, pluginSettings } = await loadConfigWithPlugins({
    env: Object.fromEntries(all.filter((one) => !isTheirs(one))),
  });
  const own = settingsOf(imported, Object.fromEntries(all.filter(isTheirs)));
  const packaged: Readonly<Record<string, unknown>> = config.pluginOptions;
  const read: ReadGateway = {
    config,
    given: {
      ...Object.fromEntries(Object.entries(packaged).map(([name, group]) => [name, { ...asGroup(group) }])),
      ...own.given,
    },
    settings: [...pluginSettings, ...own.inForce],
  };
  return { read, imported };
}

const asGroup = (group: unknown): object => (typeof group === 'object' && group !== null ? group : {});

function asImported(object: GatewayPlugin): ImportedPlugin {
  const plugin: unknown = object;
  const why = whyNoPlugin(plugin);
  if (why === undefined && isPlugin(plugin)) return { plugin, source: GIVEN };
  throw pluginError(`"${String(object.name)}"`, why ?? 'it is none');
}

function settingsOf(imported: readonly ImportedPlugin[], env: Readonly<Record<string, string>>): ResolvedSettings {
  const inputs = { env, unknown: Object.keys(env), groups: [], assignments: [] };
  const resolved = resolvePluginSettings(imported.map(declaredBy), inputs);
  const { given, problems } = resolved;
  const all = problems.length > 0 ? problems : imported.flatMap((one) => judged(one, given));
  if (all.length > 0) throw new ConfigError(all);
  return resolved;
}
