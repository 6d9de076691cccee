import { pluginError } from './plugin-error.ts';
import { fullName, type PluginSource } from './plugin-source.ts';

export interface Orderable {
  readonly name: string;
  readonly requires: readonly string[];
  readonly source: PluginSource;
}

/**
 * Plug-ins in the order in which they register: as given, but those that others require before these. Built-in ones are there in
 * any case and keep their place behind. Throws PLUGIN_INVALID for two of one name, for one that is missing and for a circle.
 */
export function orderPlugins<T extends Orderable>(plugins: readonly T[]): readonly T[] {
  const byName = new Map<string, T>();
  for (const plugin of plugins) {
    const other = byName.get(plugin.name);
    if (other !== undefined) throw twins(other, plugin);
    byName.set(plugin.name, plugin);
  }
  const ordered = new Set<T>();
  const place = (plugin: T, above: readonly T[]): void => {
    if (ordered.has(plugin)) return;
    if (above.includes(plugin)) throw circle([...above.slice(above.indexOf(plugin)), plugin]);
    for (const name of plugin.requires) {
      const needed = byName.get(name);
      if (needed === undefined) throw missing(plugin, name);
      if (needed.source.kind !== 'built-in' || plugin.source.kind === 'built-in') place(needed, [...above, plugin]);
    }
    ordered.add(plugin);
  };
  for (const plugin of plugins) place(plugin, []);
  return [...ordered];
}

const shown = ({ name, source }: Orderable): string => fullName(name, source);

const twins = (first: Orderable, second: Orderable): Error => {
  const also = second.source.specifier === undefined ? '' : `, from ${second.source.specifier}`;
  return pluginError(shown(second), `${shown(first)} has the same name${also}: leave one of them out of PPTP_PLUGINS`);
};

const missing = (plugin: Orderable, name: string): Error =>
  pluginError(shown(plugin), `it needs the plug-in "${name}": install its package and add it to PPTP_PLUGINS`);

const circle = (plugins: readonly Orderable[]): Error =>
  pluginError(
    plugins.slice(0, -1).map(shown).join(', '),
    `they require each other in a circle (${plugins.map(({ name }) => name).join(' needs ')}), so none can be the first`,
  );
