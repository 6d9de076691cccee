import { showValue } from '../../config/describe.ts';
import type { Key } from '../../config/key.ts';
import type { LoadedConfig } from '../../config/load.ts';
import type { SettingInForce } from '../../config/plugin-settings.ts';
import { KEYS } from '../../config/schema.ts';
import type { GatewayConfig } from '../../config/types.ts';
import type { ChangedKey } from '../admin/api/life.ts';

/** A key whose value, or what is behind it, is another in the configuration that was read last. */
export interface KeyChange extends ChangedKey {
  readonly reload: boolean;
}

/** Settings of plug-ins are compared one by one; the key that holds them in the file only repeats them. */
const OWN_KEYS = KEYS.filter(({ path }) => path !== 'pluginOptions');

const same = (a: unknown, b: unknown): boolean => JSON.stringify(a) === JSON.stringify(b);

const shown = (key: Key, value: unknown): string => (key.sensitive === true ? '[secret]' : showValue(value));

/** What stands in files that keys name: the key is the same, and the file is not. */
const BEHIND: Readonly<Record<string, (config: GatewayConfig) => unknown>> = {
  'filters.file': ({ filters }) => filters,
  'edge.accessFile': ({ edge }) => edge.access,
};

/** A key that is live for some changes only. */
const LIVE_FOR: Readonly<Record<string, (from: unknown, to: unknown) => boolean>> = {
  // The methods of EAP are made at the start, where it is one of the methods.
  'auth.methods': (from, to) =>
    [from, to].map((value) => [value].flat().includes('eap')).every((has, _, [first]) => has === first),
};

const isLive = ({ path, reload = false }: Key, from: unknown, to: unknown): boolean =>
  reload && (LIVE_FOR[path]?.(from, to) ?? true);

/** What is different, in the order of the schema; then settings of plug-ins. */
export const changesOf = (before: LoadedConfig, next: LoadedConfig): readonly KeyChange[] => [
  ...OWN_KEYS.flatMap((key): KeyChange[] => {
    const { path, env } = key;
    const [from, to] = [before.values.get(path), next.values.get(path)];
    if (!same(from, to)) {
      return [{ key: path, env, from: shown(key, from), to: shown(key, to), reload: isLive(key, from, to) }];
    }
    const behind = BEHIND[path];
    if (behind === undefined || same(behind(before.config), behind(next.config))) return [];
    return [
      { key: path, env, from: shown(key, from), to: `${shown(key, to)} (changed)`, reload: isLive(key, from, to) },
    ];
  }),
  ...settingsChanged(before, next),
];

type Group = Readonly<Record<string, unknown>>;

const groupOf = ({ config: { pluginOptions } }: LoadedConfig, plugin: string): Group => {
  const group = pluginOptions[plugin];
  return typeof group === 'object' && group !== null ? { ...group } : {};
};

const settingsChanged = (before: LoadedConfig, next: LoadedConfig): readonly KeyChange[] => {
  const all = [...next.pluginSettings, ...before.pluginSettings];
  const names = new Map(all.map((one) => [`pluginOptions.${one.plugin}.${one.setting}`, one]));
  return [...names].flatMap(([key, { plugin, setting, env }]): KeyChange[] => {
    const [from, to] = [groupOf(before, plugin)[setting], groupOf(next, plugin)[setting]];
    if (same(from, to)) return [];
    const text = (loaded: LoadedConfig): string => settingOf(loaded, plugin, setting)?.shown ?? '(none)';
    // Of one that was loaded then and would be now.
    const reload =
      settingOf(next, plugin, setting) !== undefined &&
      settingOf(before, plugin, setting)?.mayBecome(from, to) === true;
    return [{ key, env, from: text(before), to: text(next), reload }];
  });
};

const settingOf = ({ pluginSettings }: LoadedConfig, plugin: string, setting: string): SettingInForce | undefined =>
  pluginSettings.find((one) => one.plugin === plugin && one.setting === setting);

/** Settings of the plug-ins that run: of `next` those that may come into force now, of `before` the others. */
export const settingsNow = (
  before: LoadedConfig,
  next: LoadedConfig,
): Pick<LoadedConfig, 'pluginSettings'> & { readonly pluginOptions: LoadedConfig['config']['pluginOptions'] } => {
  const live = new Set(settingsChanged(before, next).flatMap(({ key, reload }) => (reload ? [key] : [])));
  const chosen = before.pluginSettings.map((one) => {
    const isNew = live.has(`pluginOptions.${one.plugin}.${one.setting}`);
    const from = isNew ? next : before;
    const own = settingOf(from, one.plugin, one.setting) ?? one;
    return { line: own, value: groupOf(from, one.plugin)[one.setting] };
  });
  const pluginOptions: Record<string, Record<string, unknown>> = {};
  for (const { line, value } of chosen) {
    if (value !== undefined) pluginOptions[line.plugin] = { ...pluginOptions[line.plugin], [line.setting]: value };
  }
  return { pluginOptions, pluginSettings: chosen.map(({ line }) => line) };
};

/** Keys with the values that they have, for a configuration that is to keep them. */
export const keptOf = (
  { values, origins }: LoadedConfig,
  paths: readonly string[],
): NonNullable<LoadedConfig['sources']['kept']> =>
  new Map(paths.map((path) => [path, { value: values.get(path), origin: origins.get(path) ?? { kind: 'default' } }]));
