import { readFileSync } from 'node:fs';
import convict from 'convict';
import { formatIpv4, ipv4 } from '../core/bytes/ipv4-address.ts';
import type { Setting } from '../core/ports/settings.ts';
import { pluginPrefix, settingEnv } from './plugin-names.ts';
import type { ConfigProblem } from './problems.ts';
import {
  type Environment,
  isServiceLink,
  ownEnvNames,
  type PluginAssignment,
  quote,
  refusedEnvNames,
} from './sources.ts';
import { didYouMean } from './suggest.ts';
import { describeOrigin, type Origin } from './types.ts';

/** A plug-in that is loaded, and the settings that it has. */
export interface DeclaredSettings {
  readonly plugin: string;
  /** The plug-in and its package, for people. */
  readonly from: string;
  readonly settings: Readonly<Record<string, Setting<unknown>>>;
}

/** What the operator gave to plug-ins. */
export interface PluginInputs {
  readonly env: Environment;
  /** Environment names that are no keys of the gateway. */
  readonly unknown: readonly string[];
  /** `pluginOptions` of the file and of the environment, the later ones first in force. */
  readonly groups: readonly { readonly options: Readonly<Record<string, unknown>>; readonly origin: Origin }[];
  readonly assignments: readonly PluginAssignment[];
}

/** One setting as it is in force. */
export interface SettingInForce {
  readonly plugin: string;
  readonly setting: string;
  readonly env: string;
  /** As it was given, or the default, as text; "[secret]" for a secret, whether set or not. */
  readonly shown: string;
  readonly origin: Origin;
  /** A reload brings a new value into force. */
  readonly live: boolean;
  /** Whether it does so for this change; both as given, undefined: not given. */
  mayBecome(from: unknown, to: unknown): boolean;
}

export interface ResolvedSettings {
  /** As given, by plug-in and setting, each from the place that counts: what a worker is told. */
  readonly given: Readonly<Record<string, Readonly<Record<string, unknown>>>>;
  readonly inForce: readonly SettingInForce[];
  readonly problems: readonly ConfigProblem[];
}

interface Given {
  readonly value: unknown;
  readonly origin: Origin;
}

/** What one place says: values by setting. */
type SettingLayer = Map<string, Given>;

const isGroup = (value: unknown): value is Readonly<Record<string, unknown>> =>
  typeof value === 'object' && value !== null && !Array.isArray(value);

/** A kind is the plug-in's own code. */
const parsed = (setting: Setting<unknown>, value: unknown): unknown => {
  try {
    const result = setting.kind.parse(value);
    if (!(result instanceof Promise)) return result;
    // Nobody waits for it, and its failure must not end the process.
    result.catch(() => undefined);
    return undefined;
  } catch {
    return undefined;
  }
};

const pathOf = (plugin: string, setting: string): string => `pluginOptions.${plugin}.${setting}`;

/**
 * Reads the settings of plug-ins from everywhere: default < file < PPTP_PLUGIN_OPTIONS < `PPTP_PLUGIN_SETTING` (or `..._FILE`)
 * < `--set`. What is wrong is told all at once; what belongs to no plug-in is a mistake.
 */
export const resolvePluginSettings = (
  declared: readonly DeclaredSettings[],
  inputs: PluginInputs,
): ResolvedSettings => {
  const problems: ConfigProblem[] = [...collisions(declared)];
  const given: Record<string, Readonly<Record<string, unknown>>> = {};
  const inForce: SettingInForce[] = [];
  const known = new Map(declared.map((one) => [one.plugin, one]));
  for (const one of declared) {
    const found = merge(one, [
      ...inputs.groups.map(({ options, origin }) => groupLayer(one, options[one.plugin], origin, problems)),
      envLayer(one, inputs.env, problems),
      flagLayer(one, inputs.assignments, problems),
    ]);
    const own: Record<string, unknown> = {};
    for (const [setting, what] of Object.entries(one.settings)) {
      const value = found.get(setting);
      const problem = problemOf(one, setting, what, value);
      if (problem !== undefined) problems.push(problem);
      if (value !== undefined) own[setting] = value.value;
      inForce.push(settingInForce(one.plugin, setting, what, value));
    }
    if (Object.keys(own).length > 0) given[one.plugin] = own;
  }
  problems.push(...strangers(known, inputs), ...unclaimed(declared, inputs.unknown));
  return { given, inForce, problems };
};

/** The options of one plug-in from what it was given, and what is wrong with it. */
export const parseSettings = (
  one: DeclaredSettings,
  given: unknown,
): { readonly options: Readonly<Record<string, unknown>>; readonly problems: readonly ConfigProblem[] } => {
  const problems: ConfigProblem[] = [];
  const found = groupLayer(one, given, { kind: 'file', name: 'pluginOptions' }, problems);
  const options: Record<string, unknown> = {};
  for (const [setting, what] of Object.entries(one.settings)) {
    const value = found.get(setting);
    const problem = problemOf(one, setting, what, value);
    if (problem !== undefined) problems.push(problem);
    options[setting] = value === undefined ? what.default : parsed(what, value.value);
  }
  return { options, problems };
};

/** Convict holds what was given as it was given; a setting's own format judges it. Wrapped, so that it leaves it alone. */
const merge = (one: DeclaredSettings, layers: readonly SettingLayer[]): ReadonlyMap<string, Given> => {
  const names = Object.keys(one.settings);
  const schema = Object.fromEntries(
    names.map((name) => [name, { default: null, format: () => undefined, doc: one.settings[name]?.doc ?? '' }]),
  );
  const merged = convict<Record<string, unknown>>(schema, { env: {}, args: [] });
  const origins = new Map<string, Origin>();
  for (const layer of layers) {
    merged.load(Object.fromEntries([...layer].map(([name, { value }]) => [name, [value]])));
    for (const [name, { origin }] of layer) origins.set(name, origin);
  }
  const all: Readonly<Record<string, unknown>> = merged.getProperties();
  return new Map(
    names.flatMap((name): readonly [string, Given][] => {
      const [value, origin] = [all[name], origins.get(name)];
      return Array.isArray(value) && origin !== undefined ? [[name, { value: value[0], origin }]] : [];
    }),
  );
};

const groupLayer = (one: DeclaredSettings, group: unknown, origin: Origin, problems: ConfigProblem[]): SettingLayer => {
  const layer: SettingLayer = new Map();
  if (group === undefined || group === null) return layer;
  if (!isGroup(group)) {
    problems.push({ key: `pluginOptions.${one.plugin}`, message: `must be a group of settings of ${one.from}.` });
    return layer;
  }
  for (const [setting, value] of Object.entries(group)) {
    if (Object.hasOwn(one.settings, setting)) {
      if (value !== undefined) layer.set(setting, { value, origin });
    } else problems.push(noSuchSetting(one, setting));
  }
  return layer;
};

const envLayer = (one: DeclaredSettings, env: Environment, problems: ConfigProblem[]): SettingLayer => {
  const layer: SettingLayer = new Map();
  for (const setting of Object.keys(one.settings)) {
    const name = settingEnv(one.plugin, setting);
    const file = `${name}_FILE`;
    const value = env[name];
    if (value !== undefined && !isServiceLink(name, value)) {
      layer.set(setting, { value, origin: { kind: 'env', name } });
    }
    const path = Object.hasOwn(one.settings, `${setting}File`) ? undefined : env[file];
    if (path === undefined) continue;
    const key = pathOf(one.plugin, setting);
    if (layer.has(setting)) {
      problems.push({ key, env: name, message: `and ${file} are both set; set only one.` });
      continue;
    }
    try {
      const text = readFileSync(path, 'utf8').replace(/\r?\n$/, '');
      layer.set(setting, { value: text, origin: { kind: 'env', name: file } });
    } catch (cause) {
      const reason = cause instanceof Error ? cause.message : String(cause);
      problems.push({ key, env: file, message: `the file cannot be read: ${reason}` });
    }
  }
  return layer;
};

const flagLayer = (
  one: DeclaredSettings,
  assignments: readonly PluginAssignment[],
  problems: ConfigProblem[],
): SettingLayer => {
  const layer: SettingLayer = new Map();
  for (const { plugin, setting, value } of assignments) {
    if (plugin !== one.plugin) continue;
    if (Object.hasOwn(one.settings, setting)) layer.set(setting, { value, origin: { kind: 'flag', name: '--set' } });
    else problems.push(noSuchSetting(one, setting));
  }
  return layer;
};

const noSuchSetting = ({ plugin, from, settings }: DeclaredSettings, setting: string): ConfigProblem => {
  const names = Object.keys(settings);
  const advice = names.length === 0 ? ' It has none.' : didYouMean(setting, names);
  return { key: pathOf(plugin, setting), message: `is not a setting of ${from}.${advice}` };
};

const problemOf = (
  { plugin, from }: DeclaredSettings,
  setting: string,
  what: Setting<unknown>,
  given: Given | undefined,
): ConfigProblem | undefined => {
  const [key, env] = [pathOf(plugin, setting), settingEnv(plugin, setting)];
  if (given === undefined) {
    if ('default' in what) return undefined;
    return { key, env, message: `must be set for ${from}: ${what.kind.expected}.` };
  }
  if (parsed(what, given.value) !== undefined) return undefined;
  const value = quote(what.secret === true, given.value);
  const where = describeOrigin(given.origin);
  return { key, env, message: `must be ${what.kind.expected}; ${value} from ${where} is not (${from}).` };
};

const settingInForce = (
  plugin: string,
  setting: string,
  what: Setting<unknown>,
  given: Given | undefined,
): SettingInForce => {
  return {
    plugin,
    setting,
    env: settingEnv(plugin, setting),
    shown: what.secret === true ? '[secret]' : given === undefined ? showDefault(what) : showGiven(given.value),
    origin: given?.origin ?? { kind: 'default' },
    live: what.live === true,
    mayBecome: (from, to) => isLiveChange(what, from, to),
  };
};

/** Whether a reload may bring the second value into force in place of the first; both as given, undefined: not given. */
export const isLiveChange = (setting: Setting<unknown>, from: unknown, to: unknown): boolean => {
  if (setting.live !== true) return false;
  const read = (given: unknown): unknown => (given === undefined ? setting.default : parsed(setting, given));
  try {
    return setting.liveFor?.(read(from), read(to)) ?? true;
  } catch {
    // The plug-in's own code, which a restart does not need.
    return false;
  }
};

const showGiven = (value: unknown): string => {
  if (Array.isArray(value)) return value.length === 0 ? '(none)' : value.map(showGiven).join(', ');
  if (typeof value === 'object' && value !== null) return JSON.stringify(value) ?? '';
  return value === '' ? '(empty)' : String(value);
};

/** As an operator would write it, where a text can be found that the setting's own format reads as the default. */
const showDefault = (setting: Setting<unknown>): string => {
  const value = setting.default;
  if (value === undefined) return '(not set)';
  if (Array.isArray(value)) return value.length === 0 ? '(none)' : value.map((one) => showItem(one)).join(', ');
  if (typeof value === 'number' && parsed(setting, String(value)) !== value && isIpv4(value)) {
    const text = formatIpv4(ipv4(value));
    if (parsed(setting, text) === value) return text;
  }
  return showItem(value);
};

const isIpv4 = (value: number): boolean => Number.isInteger(value) && value >= 0 && value <= 0xffff_ffff;

const showItem = (value: unknown): string => {
  try {
    return showGiven(value);
  } catch {
    return '(set)';
  }
};

/** Settings for plug-ins that are not loaded. */
const strangers = (
  known: ReadonlyMap<string, DeclaredSettings>,
  { groups, assignments }: PluginInputs,
): readonly ConfigProblem[] => {
  const named = [...groups.flatMap(({ options }) => Object.keys(options)), ...assignments.map(({ plugin }) => plugin)];
  return [...new Set(named)]
    .filter((name) => !known.has(name))
    .map((name) => ({
      key: `pluginOptions.${name}`,
      message: `the plug-in "${name}" is not loaded: name it in PPTP_PLUGINS.${didYouMean(name, [...known.keys()])}`,
    }));
};

/** Environment names that are neither ours nor a plug-in's. */
const unclaimed = (declared: readonly DeclaredSettings[], unknown: readonly string[]): readonly ConfigProblem[] => {
  if (declared.length === 0) return [];
  const names = declared.flatMap(({ plugin, settings }) =>
    Object.keys(settings).flatMap((setting) => {
      const name = settingEnv(plugin, setting);
      return [name, `${name}_FILE`];
    }),
  );
  const claimed = new Set(names);
  return unknown
    .filter((name) => !claimed.has(name))
    .map((name) => {
      const owner = declared.find(({ plugin }) => name.startsWith(pluginPrefix(plugin)));
      const whose = owner === undefined ? 'this gateway or of a plug-in that is loaded' : owner.from;
      const plain = names.filter((one) => !one.endsWith('_FILE') || name.endsWith('_FILE'));
      return { env: name, message: `is not a setting of ${whose}.${didYouMean(name, [...plain, ...ownEnvNames])}` };
    });
};

/** Where the environment has a setting: its value, and the file of it unless the plug-in has that as a setting, too. */
const envNames = (settings: DeclaredSettings['settings'], plugin: string, setting: string): readonly string[] => {
  const name = settingEnv(plugin, setting);
  return Object.hasOwn(settings, `${setting}File`) ? [name] : [name, `${name}_FILE`];
};

/** Two settings of one environment name: no operator could tell them apart, so the plug-in must name them otherwise. */
const collisions = (declared: readonly DeclaredSettings[]): readonly ConfigProblem[] => {
  const owners = new Map<string, string>(
    [...ownEnvNames, ...refusedEnvNames].map((name) => [name, 'the gateway itself']),
  );
  const problems: ConfigProblem[] = [];
  for (const { plugin, from, settings } of declared) {
    for (const setting of Object.keys(settings)) {
      const taken = envNames(settings, plugin, setting).flatMap((env) => {
        const owner = isServiceLink(env, '') ? undefined : owners.get(env);
        owners.set(env, from);
        if (owner !== undefined) return [{ env, whose: `a setting of ${owner}` }];
        return isServiceLink(env, '') ? [{ env, whose: 'a Kubernetes service link, which is ignored' }] : [];
      });
      for (const { env, whose } of taken.slice(0, 1)) {
        const message = `has the environment name of ${whose}: ${from} must call it something else.`;
        problems.push({ key: pathOf(plugin, setting), env, message });
      }
    }
  }
  return problems;
};
