import type { DeclaredSettings } from '../../config/plugin-settings.ts';
import { attributed } from './attribution.ts';
import { findModule, isTypeScript } from './find-module.ts';
import { pluginError, sentenceOf } from './plugin-error.ts';
import { type AnyPlugin, defaultExport, isPlugin, whyNoPlugin } from './plugin-shape.ts';
import { fullName, type PluginSource } from './plugin-source.ts';

/** A plug-in that was imported and is one; its options are not known yet. */
export interface ImportedPlugin {
  readonly plugin: AnyPlugin;
  readonly source: PluginSource;
}

/** One of PPTP_PLUGINS. Rejects with PLUGIN_INVALID and nothing else. */
export async function importPlugin(specifier: string): Promise<ImportedPlugin> {
  const { source, load } = findModule(specifier);
  return pluginOf(await importing(specifier, source, load), specifier, source);
}

/** The plug-in that a module exports. Throws PLUGIN_INVALID and nothing else. */
export function pluginOf(module: unknown, specifier: string, source: PluginSource): ImportedPlugin {
  const who = withPackage(specifier, source);
  // Even looking at what somebody else exports may throw.
  return attributed(who, 'looking at it failed', () => {
    const plugin = defaultExport(module);
    const why = whyNoPlugin(plugin);
    if (why === undefined && isPlugin(plugin)) return { plugin, source };
    throw pluginError(who, why ?? 'its default export changes while it is looked at');
  });
}

/** All of them, in their order. Rejects with PLUGIN_INVALID. */
export async function importPlugins(specifiers: readonly string[]): Promise<readonly ImportedPlugin[]> {
  const imported: ImportedPlugin[] = [];
  for (const specifier of specifiers) imported.push(await importPlugin(specifier));
  return imported;
}

/** For reading its settings. */
export const declaredBy = ({ plugin, source }: ImportedPlugin): DeclaredSettings => ({
  plugin: plugin.name,
  from: `the plug-in ${fullName(plugin.name, source)}`,
  settings: plugin.settings ?? {},
});

const withPackage = (specifier: string, { packageName, version }: PluginSource): string =>
  packageName === undefined || packageName === specifier
    ? `"${specifier}"`
    : `"${specifier}" (package ${packageName}${version === undefined ? '' : ` ${version}`})`;

async function importing(specifier: string, source: PluginSource, load: () => Promise<unknown>): Promise<unknown> {
  try {
    return await load();
  } catch (cause) {
    throw pluginError(withPackage(specifier, source), adviceFor(cause, source), cause);
  }
}

function adviceFor(cause: unknown, { file }: PluginSource): string {
  const text = sentenceOf(cause);
  const code: unknown = cause instanceof Error ? Reflect.get(cause, 'code') : undefined;
  if (code === 'ERR_UNKNOWN_FILE_EXTENSION' && isTypeScript(file)) {
    return 'it is TypeScript, which Node does not run: build it, and name the JavaScript that comes of it';
  }
  if (code === 'ERR_MODULE_NOT_FOUND' && text.includes("'pptp-gateway'")) {
    return `it does not find pptp-gateway/core: run "npm install PATH-OF-THE-GATEWAY" in the plug-in's folder (${text})`;
  }
  return `importing it failed: ${text}`;
}
