import { showValue } from '../../config/describe.ts';
import type { Key } from '../../config/key.ts';
import type { LoadedConfig } from '../../config/load.ts';
import { KEYS } from '../../config/schema.ts';
import type { ChangedKey } from '../admin/api/life.ts';

/** A key whose value, or what is behind it, is another in the configuration that was read last. */
export interface KeyChange extends ChangedKey {
  readonly reload: boolean;
}

/** Settings of plug-ins are compared one by one; the key that holds them in the file only repeats them. */
const OWN_KEYS = KEYS.filter(({ path }) => path !== 'pluginOptions');

const same = (a: unknown, b: unknown): boolean => JSON.stringify(a) === JSON.stringify(b);

const shown = (key: Key, value: unknown): string => (key.sensitive === true ? '[secret]' : showValue(value));

/** What is different, in the order of the schema. */
export const changesOf = (before: LoadedConfig, next: LoadedConfig): readonly KeyChange[] =>
  OWN_KEYS.flatMap((key): KeyChange[] => {
    const { path, env, reload = false } = key;
    const [from, to] = [before.values.get(path), next.values.get(path)];
    if (!same(from, to)) return [{ key: path, env, from: shown(key, from), to: shown(key, to), reload }];
    // The file is the same, and something else stands in it.
    if (path !== 'filters.file' || same(before.config.filters, next.config.filters)) return [];
    const count = ({ config }: LoadedConfig): string =>
      `${showValue(from)} with ${Object.keys(config.filters).length} lists`;
    return [{ key: path, env, from: count(before), to: count(next), reload }];
  });

/** Keys with the values that they have, for a configuration that is to keep them. */
export const keptOf = (
  { values, origins }: LoadedConfig,
  paths: readonly string[],
): NonNullable<LoadedConfig['sources']['kept']> =>
  new Map(paths.map((path) => [path, { value: values.get(path), origin: origins.get(path) ?? { kind: 'default' } }]));
