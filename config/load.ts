import convict from 'convict';
import { ConfigError } from './problems.ts';
import { resolveConfig } from './resolve.ts';
import { KEYS, schema } from './schema.ts';
import { type Environment, type Flags, type Layer, readEnvLayer, readFileLayer, readFlagLayer } from './sources.ts';
import type { GatewayConfig, Origin, Origins, RawConfig } from './types.ts';

export interface ConfigSources extends Flags {
  readonly env: Environment;
  /** `--config`; beats PPTP_CONFIG. */
  readonly file?: string;
  /** MTU of the interface that calls to this address come in on, octets; undefined when that is not known. */
  readonly outerMtu?: (listen: string) => number | undefined;
}

export interface LoadedConfig {
  readonly config: GatewayConfig;
  /** Effective values by key, as the operator would write them (`auto` stays `auto`). */
  readonly values: ReadonlyMap<string, unknown>;
  readonly origins: Origins;
  /** Sentences about what is allowed but unwise. */
  readonly warnings: readonly string[];
}

// Our layers hold typed values. Where the default is a number, convict would make one of every text, `auto` too.
convict.addFormat({ name: 'number', validate: () => undefined, coerce: (value) => value });

/** The values of a layer as the nested object convict merges. */
const asTree = (layer: Layer): object => {
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
 * Merges default < file < environment < flags and checks the result.
 *
 * @throws ConfigError with every problem of every layer; its code is CONFIG_FILE when the file itself could not be read.
 */
export const loadConfig = (sources: ConfigSources): LoadedConfig => {
  const path = sources.file ?? sources.env['PPTP_CONFIG'];
  const file = path === undefined || path === '' ? undefined : readFileLayer(path);
  const layers = [...(file === undefined ? [] : [file]), readEnvLayer(sources.env), readFlagLayer(sources)];

  // Our layers are already merged in order, so convict must not look at process.env or process.argv itself.
  const merged = convict<RawConfig>(schema, { env: {}, args: [] });
  const origins = new Map<string, Origin>(KEYS.map((key) => [key.path, { kind: 'default' }]));
  for (const layer of layers) {
    merged.load(asTree(layer));
    for (const [key, { origin }] of layer.values) origins.set(key, origin);
  }
  merged.validate({ allowed: 'strict' });

  const raw = merged.getProperties();
  const outerMtu = sources.outerMtu?.(raw.listen.address);
  const refused = layers.flatMap((layer) => layer.problems);
  const badKeys = new Set(refused.flatMap(({ key }) => (key === undefined ? [] : [key])));
  const { config, problems: conflicts, warnings } = resolveConfig(raw, origins, badKeys, outerMtu);
  const problems = [...refused, ...conflicts];
  if (problems.length > 0) throw new ConfigError(problems, file?.unreadable ? 'CONFIG_FILE' : 'CONFIG_INVALID');
  return {
    config: freeze(config),
    values: new Map(KEYS.map((key) => [key.path, valueAt(merged.getProperties(), key.path)])),
    origins,
    warnings: [...layers.flatMap((layer) => layer.warnings), ...warnings],
  };
};

const valueAt = (tree: object, path: string): unknown => {
  let value: unknown = tree;
  for (const name of path.split('.')) value = new Map(Object.entries(asGroup(value))).get(name);
  return value;
};
