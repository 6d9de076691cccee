import { loadConfig } from '../config/load.ts';
import { pluginPrefix } from '../config/plugin-names.ts';
import { parseSettings, resolvePluginSettings } from '../config/plugin-settings.ts';
import { ConfigError } from '../config/problems.ts';
import type { GatewayConfig } from '../config/types.ts';
import { GatewayError } from '../core/errors.ts';
import { type GatewayPlugin, PLUGIN_API } from '../core/ports/plugin.ts';
import { type LoadedPlugin, loadPlugins, withOptions } from '../gateway/plugin-loader.ts';

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
  const prefixes = objects.map(({ name }) => pluginPrefix(name));
  const isTheirs = (name: string): boolean => prefixes.some((prefix) => name.startsWith(prefix));
  const theirs = Object.entries(env).filter(([name]) => isTheirs(name));
  const ours = Object.fromEntries(Object.entries(env).filter(([name]) => !isTheirs(name)));
  const { config } = loadConfig({ env: ours });
  const packaged = await loadPlugins(config.plugins, config.pluginOptions);
  return { config, plugins: [...packaged, ...withSettings(objects, Object.fromEntries(theirs))] };
}

function withSettings(
  objects: readonly GatewayPlugin[],
  env: Readonly<Record<string, string>>,
): readonly LoadedPlugin[] {
  const declared = objects.map(({ name, settings = {} }) => ({
    plugin: name,
    from: `the plug-in "${name}"`,
    settings,
  }));
  const inputs = { env, unknown: Object.keys(env), groups: [], assignments: [] };
  const { given, problems } = resolvePluginSettings(declared, inputs);
  if (problems.length > 0) throw new ConfigError(problems);
  return objects.map((plugin, at) => {
    checkApi(plugin);
    const one = declared[at];
    if (plugin.settings === undefined || one === undefined) return withOptions(plugin, undefined);
    const { options } = parseSettings(one, given[plugin.name]);
    const wrong = plugin.check?.(options) ?? [];
    if (wrong.length > 0) throw new ConfigError(wrong.map((message) => ({ key: plugin.name, message })));
    return withOptions(plugin, options);
  });
}

function checkApi({ name, api }: GatewayPlugin): void {
  if (api === PLUGIN_API) return;
  const message = `plug-in "${name}" is made for plug-in interface ${api}, this gateway has ${PLUGIN_API}`;
  throw new GatewayError('PLUGIN_INVALID', message);
}
