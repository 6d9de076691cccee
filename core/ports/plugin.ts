import type { ContainerModuleLoadOptions } from 'inversify';

/** Version of the plug-in interface: the ports of this folder, the tokens and the batch. */
export const PLUGIN_API = 1;

/** What a plug-in may do to the container: bind, nothing else. */
export type PluginBindings = Pick<ContainerModuleLoadOptions, 'bind' | 'isBound'>;

/**
 * A package of bindings. `register` runs once, synchronously, at start: it binds stages, authentication methods,
 * back-ends, devices or a control connection to the tokens of core/tokens.ts, and does no I/O (that is for
 * `Lifecycle.start`).
 */
export interface GatewayPlugin<Options = unknown> {
  readonly name: string;
  readonly api: typeof PLUGIN_API;
  /** Names of plug-ins that must be loaded too. */
  readonly requires?: readonly string[];
  /** Checks the `pluginOptions.<name>` block of the configuration file; returns the options or a list of complaints. */
  parseOptions?(
    raw: unknown,
  ): { readonly ok: true; readonly options: Options } | { readonly ok: false; readonly errors: readonly string[] };
  register(bindings: PluginBindings, options: Options): void;
}

/** Gives a plug-in literal its type. */
export const definePlugin = <Options>(plugin: GatewayPlugin<Options>): GatewayPlugin<Options> => plugin;
