import { readFileSync } from 'node:fs';
import { parse as parseYaml } from 'yaml';
import type { Key } from './key.ts';
import { PRESETS } from './presets.ts';
import type { ConfigProblem } from './problems.ts';
import { KEYS, keyByPath } from './schema.ts';
import { didYouMean } from './suggest.ts';
import { type Origin, PROFILE_NAMES, type ProfileName } from './types.ts';

/** One layer of the precedence: values that passed their format, where each came from, and what was wrong. */
export interface Layer {
  readonly values: Map<string, { readonly value: unknown; readonly origin: Origin }>;
  readonly problems: ConfigProblem[];
  readonly warnings: string[];
  /** Environment names with our prefix that are no keys: mistakes, unless a plug-in has such a setting. */
  readonly unknown: string[];
  /** Settings of plug-ins that were given one by one. */
  readonly assignments: PluginAssignment[];
}

/** `--set pluginOptions.PLUGIN.SETTING=VALUE`. */
export interface PluginAssignment {
  readonly plugin: string;
  readonly setting: string;
  readonly value: string;
}

export type Environment = Readonly<Record<string, string | undefined>>;

const emptyLayer = (): Layer => ({ values: new Map(), problems: [], warnings: [], unknown: [], assignments: [] });

/** A value as the operator wrote it, short enough for one line; never that of a secret. */
export const quote = (secret: boolean, value: unknown): string => {
  if (secret) return 'the value given';
  const text = JSON.stringify(value) ?? String(value);
  return text.length > 80 ? `${text.slice(0, 77)}...` : text;
};

const accept = (layer: Layer, key: Key, value: unknown, origin: Origin): void => {
  const parsed = key.kind.parse(value);
  if (parsed !== undefined) {
    layer.values.set(key.path, { value: parsed, origin });
    return;
  }
  layer.problems.push({
    key: key.path,
    env: key.env,
    message: `must be ${key.kind.expected}; ${quote(key.sensitive === true, value)} from ${origin.kind} ${'name' in origin ? origin.name : ''} is not.`,
  });
};

const isGroup = (value: unknown): value is Record<string, unknown> =>
  typeof value === 'object' && value !== null && !Array.isArray(value);

const knownPaths = [...keyByPath.keys()];
const groups = new Set(
  knownPaths.flatMap((path) => path.split('.').map((_, depth, parts) => parts.slice(0, depth).join('.'))),
);

const readTree = (layer: Layer, tree: Record<string, unknown>, prefix: string, origin: Origin): void => {
  for (const [name, value] of Object.entries(tree)) {
    const path = `${prefix}${name}`;
    const key = keyByPath.get(path);
    if (key !== undefined) accept(layer, key, value, origin);
    else if (groups.has(path) && isGroup(value)) readTree(layer, value, `${path}.`, origin);
    else if (groups.has(path) && value === null) continue;
    else if (groups.has(path)) layer.problems.push({ key: path, message: 'is a group of keys, not a value.' });
    else {
      const hint = didYouMean(path, [...knownPaths, ...groups]);
      layer.problems.push({ key: path, message: `is not a key of this gateway.${hint}` });
    }
  }
};

/** A YAML or JSON file. An empty file is an empty layer. */
export const readFileLayer = (path: string): Layer & { readonly unreadable: boolean } => {
  const layer = emptyLayer();
  const refuse = (reason: string) => {
    layer.problems.push({ env: 'PPTP_CONFIG', message: `the configuration file ${path} ${reason}` });
    return { ...layer, unreadable: true };
  };
  let tree: unknown;
  try {
    // JSON is YAML, and the YAML parser does not quote the file, which may hold secrets, in its errors' first line.
    tree = parseYaml(readFileSync(path, 'utf8'), { logLevel: 'error' });
  } catch (cause) {
    const reason = cause instanceof Error ? cause.message.split('\n')[0] : String(cause);
    return refuse(`cannot be read: ${reason}`);
  }
  if (tree === null || tree === undefined) return { ...layer, unreadable: false };
  if (!isGroup(tree)) return refuse('must hold keys and values.');
  readTree(layer, tree, '', { kind: 'file', name: path });
  return { ...layer, unreadable: false };
};

/** What the profile says, below everything that the operator says; undefined for none. */
export const readProfileLayer = (name: ProfileName): Layer | undefined => {
  if (name === 'none') return undefined;
  const layer = emptyLayer();
  for (const [path, { value }] of Object.entries(PRESETS[name].values)) {
    const key = keyByPath.get(path);
    if (key !== undefined) accept(layer, key, value, { kind: 'profile', name });
  }
  return layer;
};

/** The profile that the layers name, the last one first. */
export const profileOf = (layers: readonly Layer[]): ProfileName => {
  const named = layers.map(({ values }) => values.get('profile')?.value).findLast((value) => value !== undefined);
  return PROFILE_NAMES.find((name) => name === named) ?? 'none';
};

/** Names with our prefix that are not keys: the file's own name, and what tests and the lab use. */
const otherNames = new Set(['PPTP_CONFIG']);
const otherPrefixes = ['PPTP_REQUIRE_', 'PPTP_TEST_', 'PPTP_LAB_', 'PPTP_BENCH_'];

/**
 * Kubernetes and Docker links put PPTP_PORT=tcp://10.0.0.1:1723 and the like into the environment when a service is
 * called "pptp" or "pptp-...": not meant for us, so a warning and no error.
 */
export const isServiceLink = (name: string, value: string): boolean =>
  /^PPTP(_[A-Z0-9_]+)?_SERVICE_(HOST|PORT(_[A-Z0-9_]+)?)$/.test(name) ||
  /^PPTP(_[A-Z0-9_]+)?_PORT_\d+_(TCP|UDP|SCTP)(_(PROTO|PORT|ADDR))?$/.test(name) ||
  (/^PPTP(_[A-Z0-9_]+)?_PORT$/.test(name) && /^(tcp|udp|sctp):\/\//.test(value));

const secretFileName = (key: Key): string => `${key.env}_FILE`;

/** All environment names that are the gateway's own, those of secrets' files included. */
export const ownEnvNames: readonly string[] = [
  ...KEYS.flatMap((key) => [key.env, ...(key.sensitive === true ? [secretFileName(key)] : [])]),
  ...otherNames,
];

const ownNames = new Set(ownEnvNames);

/** `_FILE` names of keys that are no secrets, to say so. */
const notASecret = new Map(KEYS.filter((key) => key.sensitive !== true).map((key) => [secretFileName(key), key.env]));

/** The gateway says of these that they do not exist, so nobody can use them. */
export const refusedEnvNames: readonly string[] = [...notASecret.keys()];

const readSecret = (layer: Layer, key: Key, env: Environment): void => {
  const name = secretFileName(key);
  const path = env[name];
  if (path === undefined) return;
  if (env[key.env] !== undefined) {
    layer.problems.push({ key: key.path, env: key.env, message: `and ${name} are both set; set only one.` });
    return;
  }
  try {
    accept(layer, key, readFileSync(path, 'utf8').replace(/\r?\n$/, ''), { kind: 'env', name });
  } catch (cause) {
    const reason = cause instanceof Error ? cause.message : String(cause);
    layer.problems.push({ key: key.path, env: name, message: `the secret cannot be read: ${reason}` });
  }
};

export const readEnvLayer = (env: Environment): Layer => {
  const layer = emptyLayer();
  for (const key of KEYS) {
    if (key.sensitive === true) {
      readSecret(layer, key, env);
    }
    const value = env[key.env];
    if (value !== undefined && !isServiceLink(key.env, value))
      accept(layer, key, value, { kind: 'env', name: key.env });
  }
  for (const [name, value] of Object.entries(env)) {
    if (!name.startsWith('PPTP_') || value === undefined) continue;
    if (isServiceLink(name, value)) layer.warnings.push(`${name} looks like a service link and is ignored.`);
    else if (notASecret.has(name))
      layer.problems.push({
        env: name,
        message: `does not exist: only secrets have a _FILE name. ${notASecret.get(name)} takes the value itself.`,
      });
    else if (!ownNames.has(name) && !otherPrefixes.some((prefix) => name.startsWith(prefix))) layer.unknown.push(name);
  }
  return layer;
};

/** What is wrong with an environment name that is nobody's. */
export const unknownName = (name: string): ConfigProblem => {
  const hint = didYouMean(name, ownEnvNames) || ' One of a plug-in counts only where PPTP_PLUGINS names the plug-in.';
  return { env: name, message: `is not a setting of this gateway.${hint}` };
};

/** What the command line gave: `key=value` of every `--set`, and the flags that keys have of their own, by path. */
export interface Flags {
  readonly set?: readonly string[];
  readonly named?: Readonly<Record<string, string | undefined>>;
}

/** `plugins.` is what one would guess. */
const PLUGIN_PATH = /^(?:pluginOptions|plugins)\.([^.]+)\.([^.]+)$/;

export const readFlagLayer = (flags: Flags): Layer => {
  const layer = emptyLayer();
  for (const [path, value] of Object.entries(flags.named ?? {})) {
    const key = keyByPath.get(path);
    if (key !== undefined && value !== undefined) accept(layer, key, value, { kind: 'flag', name: key.flag ?? path });
  }
  for (const assignment of flags.set ?? []) {
    const equals = assignment.indexOf('=');
    const path = equals < 0 ? assignment : assignment.slice(0, equals);
    const [, plugin, setting] = PLUGIN_PATH.exec(path) ?? [];
    if (plugin !== undefined && setting !== undefined && equals >= 0) {
      layer.assignments.push({ plugin, setting, value: assignment.slice(equals + 1) });
      continue;
    }
    const key = keyByPath.get(path);
    if (key === undefined) {
      layer.problems.push({ key: path, message: `is not a key of this gateway.${didYouMean(path, knownPaths)}` });
    } else if (equals < 0) {
      layer.problems.push({ key: path, env: key.env, message: `needs a value: --set ${path}=VALUE` });
    } else {
      accept(layer, key, assignment.slice(equals + 1), { kind: 'flag', name: '--set' });
    }
  }
  return layer;
};
