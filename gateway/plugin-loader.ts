import { existsSync } from 'node:fs';
import { isAbsolute, resolve } from 'node:path';
import { pathToFileURL } from 'node:url';
import { GatewayError } from '../core/errors.ts';
import { type GatewayPlugin, PLUGIN_API, type PluginBindings } from '../core/ports/plugin.ts';
import type { Setting } from '../core/ports/settings.ts';

/** A plug-in with its options checked: ready to register. */
export interface LoadedPlugin {
  readonly name: string;
  readonly requires: readonly string[];
  register(bindings: PluginBindings): void;
}

/** Pairs a plug-in with options of its own type. */
export const withOptions = <Options>(plugin: GatewayPlugin<Options>, options: Options): LoadedPlugin => ({
  name: plugin.name,
  requires: plugin.requires ?? [],
  register: (bindings) => plugin.register(bindings, options),
});

const invalid = (specifier: string, why: string, cause?: unknown): GatewayError =>
  new GatewayError(
    'PLUGIN_INVALID',
    `plug-in "${specifier}" cannot be used: ${why}`,
    cause === undefined ? undefined : { cause },
  );

/**
 * Imports the plug-ins named in `PPTP_PLUGINS` (package names, or paths relative to the working directory). Each must
 * have a default export made by `definePlugin`. `options` is the `pluginOptions` block of the configuration file.
 */
export async function loadPlugins(
  specifiers: readonly string[],
  options: Readonly<Record<string, unknown>>,
): Promise<readonly LoadedPlugin[]> {
  const loaded: LoadedPlugin[] = [];
  for (const specifier of specifiers) loaded.push(await loadOne(specifier, options));
  const unused = Object.keys(options).filter((name) => !loaded.some((plugin) => plugin.name === name));
  if (unused.length > 0) {
    throw invalid(unused.join(', '), 'pluginOptions names it, but it is not in PPTP_PLUGINS');
  }
  return loaded;
}

/** Refuses two plug-ins of one name and plug-ins that need one which is not there. */
export function checkPlugins(plugins: readonly LoadedPlugin[]): void {
  const names = new Set<string>();
  for (const { name } of plugins) {
    if (names.has(name)) throw invalid(name, 'two plug-ins have this name');
    names.add(name);
  }
  for (const { name, requires } of plugins) {
    const missing = requires.filter((needed) => !names.has(needed));
    if (missing.length > 0) throw invalid(name, `it needs ${missing.join(', ')}: add it to PPTP_PLUGINS`);
  }
}

async function loadOne(specifier: string, options: Readonly<Record<string, unknown>>): Promise<LoadedPlugin> {
  const path = isAbsolute(specifier) || specifier.startsWith('.') ? resolve(specifier) : undefined;
  if (path !== undefined && !existsSync(path)) throw invalid(specifier, `there is no file ${path}`);
  let module: { readonly default?: unknown };
  try {
    module = await import(path === undefined ? specifier : pathToFileURL(path).href);
  } catch (cause) {
    throw invalid(specifier, cause instanceof Error ? cause.message : String(cause), cause);
  }
  const plugin = module.default;
  if (!isPlugin(plugin)) throw invalid(specifier, 'its default export is not a plug-in (see definePlugin)');
  if (plugin.api !== PLUGIN_API) {
    throw invalid(specifier, `it is made for plug-in interface ${String(plugin.api)}, this gateway has ${PLUGIN_API}`);
  }
  const raw = options[plugin.name];
  if (plugin.settings === undefined) {
    if (raw !== undefined) throw invalid(specifier, `it takes no options, but pluginOptions.${plugin.name} is set`);
    return withOptions(plugin, undefined);
  }
  const { options: checked, errors } = readSettings(plugin.settings, raw);
  const all = errors.length > 0 ? errors : (plugin.check?.(checked) ?? []);
  if (all.length > 0) throw invalid(specifier, `pluginOptions.${plugin.name}: ${all.join('; ')}`);
  return withOptions(plugin, checked);
}

function readSettings(
  settings: Readonly<Record<string, Setting<unknown>>>,
  raw: unknown,
): { readonly options: Readonly<Record<string, unknown>>; readonly errors: readonly string[] } {
  const given = new Map(Object.entries(typeof raw === 'object' && raw !== null ? raw : {}));
  const errors = [...given.keys()].filter((name) => !(name in settings)).map((name) => `there is no setting ${name}`);
  const options: Record<string, unknown> = {};
  for (const [name, { kind, default: usual, ...rest }] of Object.entries(settings)) {
    const value = given.get(name);
    options[name] = value === undefined ? usual : kind.parse(value);
    const missing = value === undefined ? !('default' in (settings[name] ?? rest)) : options[name] === undefined;
    if (missing) errors.push(`${name} must be ${kind.expected}`);
  }
  return { options, errors };
}

const isPlugin = (value: unknown): value is GatewayPlugin<Readonly<Record<string, unknown>> | undefined> =>
  typeof value === 'object' &&
  value !== null &&
  'name' in value &&
  typeof value.name === 'string' &&
  'api' in value &&
  'register' in value &&
  typeof value.register === 'function';
