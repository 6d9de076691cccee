import type { ContainerModuleLoadOptions } from 'inversify';
import type { LiveOptions } from './live-options.ts';
import type { Settings } from './settings.ts';

/** Version of the plug-in interface: the ports of this folder, the tokens and the batch. */
export const PLUGIN_API = 2;

/** What a plug-in may do to the container: bind, nothing else. */
export type PluginBindings = Pick<ContainerModuleLoadOptions, 'bind' | 'isBound'>;

/**
 * A package of bindings. `register` runs once, synchronously, at start: it binds stages, authentication methods,
 * back-ends, devices or a control connection to the tokens of core/tokens.ts, and does no I/O (that is for
 * `Lifecycle.start`).
 */
export interface GatewayPlugin<Options = unknown> {
  /** Lower-case letters, digits and hyphens; unique in a gateway. */
  readonly name: string;
  /** The version of the interface that it was written for: `PLUGIN_API` of then. */
  readonly api: number;
  /** Names of plug-ins that must be loaded too. */
  readonly requires?: readonly string[];
  /** Its part of the configuration. Absent: it has none, and one that is given is refused. */
  readonly settings?: Settings<Options>;
  /** Sentences about settings that do not go together; the start, or a reload, fails with all of them. */
  check?(options: Options): readonly string[];
  /**
   * As `check`, of what only this machine knows, such as whether a file is there. A reload that changes live settings asks it
   * in each worker before anything changes, when `check` has passed; at the start that is for `Lifecycle.start` to say.
   */
  checkHere?(options: Options): Promise<readonly string[]>;
  /**
   * `options`: as they are at the start. `live`: the same, where settings that are `live` have the values of the last
   * reload; a plug-in that has none needs not take it. What `onChange` is given has passed `check`.
   */
  register(bindings: PluginBindings, options: Options, live: LiveOptions<Options>): void;
}

/** Gives a plug-in literal its type. */
export const definePlugin = <Options>(plugin: GatewayPlugin<Options>): GatewayPlugin<Options> => plugin;
