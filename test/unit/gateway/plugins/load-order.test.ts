import { describe, expect, it } from 'vitest';
import { orderPlugins } from '../../../../gateway/plugins/load-order.ts';
import type { PluginSource } from '../../../../gateway/plugins/plugin-source.ts';

const from = (specifier: string): PluginSource => ({ kind: 'package', specifier, packageName: specifier });
const plugin = (name: string, requires: readonly string[] = [], source = from(`pkg-${name}`)) => ({
  name,
  requires,
  source,
});
const builtIn = (name: string, requires: readonly string[] = []) => plugin(name, requires, { kind: 'built-in' });
const order = (...plugins: Parameters<typeof orderPlugins>[0]) => orderPlugins(plugins).map(({ name }) => name);

describe('the order of plug-ins', () => {
  it('is that in which they are given', () => {
    expect(order(plugin('b'), plugin('a'), builtIn('c'))).toEqual(['b', 'a', 'c']);
  });

  it('has those that others require before these', () => {
    expect(order(plugin('a', ['c', 'b']), plugin('b', ['c']), plugin('c'))).toEqual(['c', 'b', 'a']);
  });

  it('leaves built-in ones behind, which are there in any case', () => {
    expect(order(plugin('a', ['users']), builtIn('users', ['clock']), builtIn('clock'))).toEqual([
      'a',
      'clock',
      'users',
    ]);
  });

  it.each<[string, () => unknown, string]>([
    [
      'two of one name',
      () => order(plugin('a'), plugin('a', [], from('other'))),
      'plug-in "a" (package other) cannot be used: "a" (package pkg-a) has the same name, from other: leave one of them out of PPTP_PLUGINS',
    ],
    [
      'one that is missing',
      () => order(plugin('a', ['nobody'])),
      'plug-in "a" (package pkg-a) cannot be used: it needs the plug-in "nobody": install its package and add it to PPTP_PLUGINS',
    ],
    [
      'a circle',
      () => order(plugin('x', ['a']), plugin('a', ['b']), plugin('b', ['c']), plugin('c', ['a'])),
      'plug-in "a" (package pkg-a), "b" (package pkg-b), "c" (package pkg-c) cannot be used: they require each other in a circle (a needs b needs c needs a), so none can be the first',
    ],
    [
      'one that requires itself',
      () => order(plugin('a', ['a'])),
      'plug-in "a" (package pkg-a) cannot be used: they require each other in a circle (a needs a), so none can be the first',
    ],
  ])('is refused for %s', (_, attempt, message) => {
    expect(attempt).toThrow(message);
  });
});
