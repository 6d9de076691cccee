import {
  type ConfigSources,
  type LoadedConfig,
  type ReadConfig,
  readConfig,
  withPluginSettings,
} from '../../config/load.ts';
import { parseSettings, resolvePluginSettings } from '../../config/plugin-settings.ts';
import { ConfigError, type ConfigProblem } from '../../config/problems.ts';
import { GatewayError } from '../../core/errors.ts';
import { problemsWith } from './checked.ts';
import { declaredBy, type ImportedPlugin, importPlugin } from './import-plugins.ts';
import { pluginError } from './plugin-error.ts';
import { fullName } from './plugin-source.ts';

/**
 * The configuration with the settings of the plug-ins that it names, all of it checked: nothing is registered and nothing runs.
 * Rejects with ConfigError that holds every problem; with PLUGIN_INVALID where only a plug-in cannot be loaded.
 */
export async function loadConfigWithPlugins(sources: ConfigSources): Promise<LoadedConfig> {
  const read = readConfig(sources);
  // An invalid list of plug-ins is empty here, and nobody knows then whose the settings are.
  if (read.loaded.config.plugins.length === 0) return withPluginSettings(read, NO_SETTINGS, []);
  const { imported, failures } = await importEach(read.loaded.config.plugins);
  const wrong = failures.length > 0 ? failures.map(({ error }) => error) : twinsOf(imported);
  if (wrong.length > 0) throw allOf(read, wrong);
  const resolved = resolvePluginSettings(imported.map(declaredBy), read.loaded.pluginInputs);
  const further = resolved.problems.length > 0 ? [] : imported.flatMap((one) => judged(one, resolved.given));
  return withPluginSettings(read, resolved, further);
}

const NO_SETTINGS = { given: {}, inForce: [], problems: [] };

/** What importing one of PPTP_PLUGINS came to. */
export interface ImportFailure {
  readonly specifier: string;
  readonly error: GatewayError;
}

/** All that can be imported, and why the others cannot. */
export async function importEach(
  specifiers: readonly string[],
): Promise<{ readonly imported: readonly ImportedPlugin[]; readonly failures: readonly ImportFailure[] }> {
  const imported: ImportedPlugin[] = [];
  const failures: ImportFailure[] = [];
  for (const specifier of specifiers) {
    try {
      imported.push(await importPlugin(specifier));
    } catch (cause) {
      if (!(cause instanceof GatewayError)) throw cause;
      failures.push({ specifier, error: cause });
    }
  }
  return { imported, failures };
}

/** Settings go by the name of the plug-in, so there must be one of each. */
const twinsOf = (imported: readonly ImportedPlugin[]): readonly GatewayError[] =>
  imported.flatMap(({ plugin, source }, at) => {
    const first = imported.findIndex((one) => one.plugin.name === plugin.name);
    const other = imported[first];
    if (first === at || other === undefined) return [];
    const who = fullName(plugin.name, source);
    const twin = `${fullName(other.plugin.name, other.source)} from ${other.source.specifier}`;
    return [pluginError(`${who} from ${source.specifier}`, `${twin} has the same name: leave one of them out`)];
  });

/** One failure is told as it is; several, or with other problems, as a list. */
const allOf = ({ problems, code }: ReadConfig, errors: readonly GatewayError[]): GatewayError => {
  const [first] = errors;
  if (first !== undefined && errors.length === 1 && problems.length === 0) return first;
  const own = errors.map(({ message }): ConfigProblem => ({ env: 'PPTP_PLUGINS', message }));
  return new ConfigError([...problems, ...own], code);
};

/** What a plug-in says of its settings together. */
export const judged = (
  one: ImportedPlugin,
  given: Readonly<Record<string, Readonly<Record<string, unknown>>>>,
): readonly ConfigProblem[] => {
  const { options } = parseSettings(declaredBy(one), given[one.plugin.name]);
  return problemsWith(one, options);
};
