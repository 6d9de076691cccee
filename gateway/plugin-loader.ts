import { parseSettings } from '../config/plugin-settings.ts';
import { formatProblem } from '../config/problems.ts';
import type { GatewayPlugin, PluginBindings } from '../core/ports/plugin.ts';
import { checked, optionsFor } from './plugins/checked.ts';
import { declaredBy, type ImportedPlugin, importPlugins } from './plugins/import-plugins.ts';
import { type LiveSettings, liveSettings } from './plugins/live-settings.ts';
import { pluginError } from './plugins/plugin-error.ts';
import { PluginOptions } from './plugins/plugin-options.ts';
import { BUILT_IN, GIVEN, type PluginSource } from './plugins/plugin-source.ts';

/** A plug-in with its options checked: ready to register. */
export interface LoadedPlugin {
  readonly name: string;
  /** The version of the plug-in interface that it was made for. */
  readonly api: number;
  readonly requires: readonly string[];
  readonly source: PluginSource;
  /** What a reload may change of it; absent: nothing. */
  readonly live?: LiveSettings;
  register(bindings: PluginBindings): void;
}

/** Pairs a plug-in with options of its own type. */
export const withOptions = <Options>(
  plugin: GatewayPlugin<Options>,
  options: Options,
  source: PluginSource = GIVEN,
): LoadedPlugin => ({
  name: plugin.name,
  api: plugin.api,
  requires: plugin.requires ?? [],
  source,
  register: (bindings) => plugin.register(bindings, options, new PluginOptions(options)),
});

/** One that every gateway has: it steps back where an operator's plug-in brings the same. */
export const builtIn = (plugin: LoadedPlugin): LoadedPlugin => ({ ...plugin, source: BUILT_IN });

/**
 * Imports the plug-ins named in `PPTP_PLUGINS`, with what each was given as its settings: `pluginOptions` of the configuration,
 * in which the values of all sources have been put. Rejects with PLUGIN_INVALID.
 */
export async function loadPlugins(
  specifiers: readonly string[],
  given: Readonly<Record<string, unknown>>,
): Promise<readonly LoadedPlugin[]> {
  const imported = await importPlugins(specifiers);
  const names = new Set(imported.map(({ plugin }) => plugin.name));
  const unused = Object.keys(given).filter((name) => !names.has(name));
  if (unused.length > 0) {
    throw pluginError(`"${unused.join(', ')}"`, 'pluginOptions names it, but it is not in PPTP_PLUGINS');
  }
  return imported.map((one) => withGiven(one, given[one.plugin.name]));
}

/** With the settings that it was given. Throws PLUGIN_INVALID with all that is wrong with them. */
export function withGiven(one: ImportedPlugin, given: unknown): LoadedPlugin {
  const { options, problems } = parseSettings(declaredBy(one), given);
  const wrong = problems.length > 0 ? problems.map(formatProblem) : checked(one, options);
  if (wrong.length > 0) throw pluginError(`"${one.plugin.name}"`, wrong.join('; '));
  const inForce = new PluginOptions(options);
  const live = liveSettings(one, given, inForce);
  if (live === undefined) return withOptions(one.plugin, optionsFor(one, options), one.source);
  return {
    ...withOptions(one.plugin, options, one.source),
    live,
    register: (bindings) => one.plugin.register(bindings, options, inForce),
  };
}
