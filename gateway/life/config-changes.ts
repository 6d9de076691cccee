import { showValue } from '../../config/describe.ts';
import type { Key } from '../../config/key.ts';
import type { LoadedConfig } from '../../config/load.ts';
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

const settingsChanged = (before: LoadedConfig, next: LoadedConfig): readonly KeyChange[] => {
  const given = ({ config: { pluginOptions } }: LoadedConfig, plugin: string, setting: string): unknown => {
    const own = pluginOptions[plugin];
    return typeof own === 'object' && own !== null ? new Map(Object.entries(own)).get(setting) : undefined;
  };
  const all = [...next.pluginSettings, ...before.pluginSettings];
  const names = new Map(all.map((one) => [`pluginOptions.${one.plugin}.${one.setting}`, one]));
  return [...names].flatMap(([key, { plugin, setting, env }]): KeyChange[] => {
    if (same(given(before, plugin, setting), given(next, plugin, setting))) return [];
    const text = ({ pluginSettings }: LoadedConfig): string =>
      pluginSettings.find((one) => one.plugin === plugin && one.setting === setting)?.shown ?? '(none)';
    return [{ key, env, from: text(before), to: text(next), reload: false }];
  });
};

/** Keys with the values that they have, for a configuration that is to keep them. */
export const keptOf = (
  { values, origins }: LoadedConfig,
  paths: readonly string[],
): NonNullable<LoadedConfig['sources']['kept']> =>
  new Map(paths.map((path) => [path, { value: values.get(path), origin: origins.get(path) ?? { kind: 'default' } }]));
