import { pluginPrefix } from '../config/plugin-names.ts';
import { resolvePluginSettings } from '../config/plugin-settings.ts';
import { ConfigError } from '../config/problems.ts';
import type { GatewayConfig } from '../config/types.ts';
import type { GatewayPlugin } from '../core/ports/plugin.ts';
import { type LoadedPlugin, loadPlugins, withGiven } from '../gateway/plugin-loader.ts';
import { judged, loadConfigWithPlugins } from '../gateway/plugins/configure.ts';
import { declaredBy, type ImportedPlugin } from '../gateway/plugins/import-plugins.ts';
import { pluginError } from '../gateway/plugins/plugin-error.ts';
import { isPlugin, whyNoPlugin } from '../gateway/plugins/plugin-shape.ts';
import { GIVEN } from '../gateway/plugins/plugin-source.ts';

export interface LoadedGateway {
  readonly config: GatewayConfig;
  /** Those of the configuration (PPTP_PLUGINS), then the objects. */
  readonly plugins: readonly LoadedPlugin[];
}

/** The configuration and the plug-ins of an environment, with plug-ins that are no packages yet. */
export async function loadWithObjects(
  objects: readonly GatewayPlugin[],
  env: Readonly<Record<string, string>>,
): Promise<LoadedGateway> {
  const imported = objects.map(asImported);
  const prefixes = imported.map(({ plugin }) => pluginPrefix(plugin.name));
  const isTheirs = ([name]: readonly [string, string]): boolean => prefixes.some((prefix) => name.startsWith(prefix));
  const all = Object.entries(env);
  const { config } = await loadConfigWithPlugins({ env: Object.fromEntries(all.filter((one) => !isTheirs(one))) });
  const packaged = await loadPlugins(config.plugins, config.pluginOptions);
  return { config, plugins: [...packaged, ...withSettings(imported, Object.fromEntries(all.filter(isTheirs)))] };
}

function asImported(object: GatewayPlugin): ImportedPlugin {
  const plugin: unknown = object;
  const why = whyNoPlugin(plugin);
  if (why === undefined && isPlugin(plugin)) return { plugin, source: GIVEN };
  throw pluginError(`"${String(object.name)}"`, why ?? 'it is none');
}

function withSettings(
  imported: readonly ImportedPlugin[],
  env: Readonly<Record<string, string>>,
): readonly LoadedPlugin[] {
  const inputs = { env, unknown: Object.keys(env), groups: [], assignments: [] };
  const { given, problems } = resolvePluginSettings(imported.map(declaredBy), inputs);
  const all = problems.length > 0 ? problems : imported.flatMap((one) => judged(one, given));
  if (all.length > 0) throw new ConfigError(all);
  return imported.map((one) => withGiven(one, given[one.plugin.name]));
}
