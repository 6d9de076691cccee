import convict from 'convict';
import {
  type PluginInputs,
  type ResolvedSettings,
  resolvePluginSettings,
  type SettingInForce,
} from './plugin-settings.ts';
import { ConfigError, type ConfigProblem } from './problems.ts';
import { resolveConfig } from './resolve.ts';
import { KEYS, schema } from './schema.ts';
import {
  type Environment,
  type Flags,
  type Layer,
  profileOf,
  readEnvLayer,
  readFileLayer,
  readFlagLayer,
  readProfileLayer,
  unknownName,
} from './sources.ts';
import type { GatewayConfig, Origin, Origins, RawConfig } from './types.ts';

export interface ConfigSources extends Flags {
  readonly env: Environment;
  /** `--config`; beats PPTP_CONFIG. */
  readonly file?: string;
  /** MTU of the interface that calls to this address come in on, octets; undefined when that is not known. */
  readonly outerMtu?: (listen: string) => number | undefined;
  /** Keys that keep these values, whatever is said elsewhere: they cannot change while the gateway runs. */
  readonly kept?: ReadonlyMap<string, { readonly value: unknown; readonly origin: Origin }>;
  /** What plug-ins keep, whatever is given to them elsewhere. */
  readonly keptInputs?: PluginInputs;
}

export interface LoadedConfig {
  readonly config: GatewayConfig;
  /** What it was read from, to read it again; the environment is a copy. */
  readonly sources: ConfigSources;
  /** Effective values by key, as the operator would write them (`auto` stays `auto`). */
  readonly values: ReadonlyMap<string, unknown>;
  readonly origins: Origins;
  /** Sentences about what is allowed but unwise. */
  readonly warnings: readonly string[];
  /** What was given to plug-ins, unread. */
  readonly pluginInputs: PluginInputs;
  /** The settings of plug-ins, where they have been read. */
  readonly pluginSettings: readonly SettingInForce[];
}

/** A configuration with everything that is wrong with it. */
export interface ReadConfig {
  readonly loaded: LoadedConfig;
  readonly problems: readonly ConfigProblem[];
  readonly code: 'CONFIG_INVALID' | 'CONFIG_FILE';
}

// Our layers hold typed values. Where the default is a number, convict would make one of every text, `auto` too.
convict.addFormat({ name: 'number', validate: () => undefined, coerce: (value) => value });

/** The values of a layer as the nested object convict merges. */
const asTree = (layer: { readonly values: NonNullable<ConfigSources['kept']> }): object => {
  const tree: Record<string, unknown> = {};
  for (const [path, { value }] of layer.values) {
    const [first = '', second] = path.split('.');
    if (second === undefined) tree[first] = value;
    else tree[first] = { ...asGroup(tree[first]), [second]: value };
  }
  return tree;
};
const asGroup = (value: unknown): object => (typeof value === 'object' && value !== null ? value : {});

const freeze = <T>(value: T): T => {
  if (typeof value === 'object' && value !== null && !Object.isFrozen(value)) {
    Object.freeze(value);
    for (const inner of Object.values(value)) freeze(inner);
  }
  return value;
};

/**
 * Merges default < profile < file < environment < flags and checks the result. What is given to plug-ins is not looked at, and
 * `PPTP_*` names that are no keys pass, as long as plug-ins are named: they may be theirs (`readPluginSettings`).
 */
export const readConfig = (sources: ConfigSources): ReadConfig => {
  const path = sources.file ?? sources.env['PPTP_CONFIG'];
  const file = path === undefined || path === '' ? undefined : readFileLayer(path);
  const given = [...(file === undefined ? [] : [file]), readEnvLayer(sources.env), readFlagLayer(sources)];
  const preset = readProfileLayer(profileOf(given));
  const layers = preset === undefined ? given : [preset, ...given];

  // Our layers are already merged in order, so convict must not look at process.env or process.argv itself.
  const merged = convict<RawConfig>(schema, { env: {}, args: [] });
  const origins = new Map<string, Origin>(KEYS.map((key) => [key.path, { kind: 'default' }]));
  for (const layer of layers) {
    merged.load(asTree(layer));
    for (const [key, { origin }] of layer.values) origins.set(key, origin);
  }
  const kept: NonNullable<ConfigSources['kept']> = sources.kept ?? new Map();
  merged.load(asTree({ values: kept }));
  for (const [key, { origin }] of kept) origins.set(key, origin);
  merged.validate({ allowed: 'strict' });

  const raw = merged.getProperties();
  const outerMtu = sources.outerMtu?.(raw.listen.address);
  const pluginInputs = sources.keptInputs ?? inputsOf(layers, sources.env);
  const orphans = raw.plugins.length > 0 ? [] : resolvePluginSettings([], pluginInputs).problems;
  const refused = [
    ...layers.flatMap((layer) => [
      ...layer.problems,
      ...(raw.plugins.length > 0 ? [] : layer.unknown.map(unknownName)),
    ]),
    ...orphans,
  ];
  const badKeys = new Set(refused.flatMap(({ key }) => (key === undefined ? [] : [key])));
  const { config, problems: conflicts, warnings } = resolveConfig(raw, origins, badKeys, outerMtu);
  const problems = [...refused, ...conflicts];
  const loaded = {
    config: freeze(config),
    sources: { ...sources, env: { ...sources.env } },
    values: new Map(KEYS.map((key) => [key.path, valueAt(merged.getProperties(), key.path)])),
    origins,
    warnings: [...layers.flatMap((layer) => layer.warnings), ...warnings],
    pluginInputs,
    pluginSettings: [],
  };
  return { loaded, problems, code: file?.unreadable === true ? 'CONFIG_FILE' : 'CONFIG_INVALID' };
};

/**
 * The configuration, for all who have no use for plug-ins.
 *
 * @throws ConfigError with every problem of every layer; its code is CONFIG_FILE when the file itself could not be read.
 */
export const loadConfig = (sources: ConfigSources): LoadedConfig => {
  const { loaded, problems, code } = readConfig(sources);
  if (problems.length > 0) throw new ConfigError(problems, code);
  return loaded;
};

/**
 * The configuration together with the settings of the plug-ins that it names: `pluginOptions` then holds what each was
 * given, by whichever way, and nothing else.
 *
 * @throws ConfigError with every problem, those of plug-ins (`further` too) among them.
 */
export const withPluginSettings = (
  { loaded, problems, code }: ReadConfig,
  { given, inForce, problems: own }: ResolvedSettings,
  further: readonly ConfigProblem[],
): LoadedConfig => {
  const all = [...problems, ...own, ...further];
  if (all.length > 0) throw new ConfigError(all, code);
  return {
    ...loaded,
    config: freeze({ ...loaded.config, pluginOptions: given }),
    pluginSettings: inForce,
  };
};

const inputsOf = (layers: readonly Layer[], env: Environment): PluginInputs => ({
  env,
  unknown: layers.flatMap(({ unknown }) => unknown),
  groups: layers.flatMap(({ values }) => {
    const block = values.get('pluginOptions');
    return block === undefined ? [] : [{ options: optionsOf(block.value), origin: block.origin }];
  }),
  assignments: layers.flatMap(({ assignments }) => assignments),
});

/** The format of the key has passed. */
const optionsOf = (text: unknown): Readonly<Record<string, unknown>> => ({ ...asGroup(JSON.parse(String(text))) });

const valueAt = (tree: object, path: string): unknown => {
  let value: unknown = tree;
  for (const name of path.split('.')) value = new Map(Object.entries(asGroup(value))).get(name);
  return value;
};
