import { readFileSync } from 'node:fs';
import { describe, expect, it } from 'vitest';
import { parse } from 'yaml';
import { parseFilters } from '../../../../config/filters.ts';
import type { GatewayPlugin } from '../../../../core/ports/plugin.ts';
import { readRules } from '../../../../plugins/policy-access/index.ts';
import { policyLockoutPlugin } from '../../../../plugins/policy-lockout/index.ts';
import { policyProfilePlugin, readProfiles } from '../../../../plugins/policy-profile/index.ts';
import { policySessionsPlugin } from '../../../../plugins/policy-sessions/index.ts';

const page = readFileSync('docs/policies.md', 'utf8');

const example = (name: string): unknown => {
  const text = page.match(/```yaml\n[\s\S]*?```/g)?.find((block) => block.includes(`# ${name}`));
  if (text === undefined) throw new Error(`no example ${name}`);
  return parse(text.replace(/```(yaml)?/g, ''));
};

const envName = (plugin: string, setting: string): string =>
  `PPTP_${plugin}_${setting.replace(/[A-Z]/g, (letter) => `_${letter}`)}`.toUpperCase().replaceAll('-', '_');

describe('docs/policies.md', () => {
  it('has examples that work', () => {
    const mistakes: string[] = [];
    const say = (mistake: string): void => void mistakes.push(mistake);
    const rules = readRules(example('access.yaml'), say);
    const profiles = readProfiles(example('profiles.yaml'), say);
    const { lists, mistakes: wrong } = parseFilters(example('filters.yaml'));
    expect([...mistakes, ...wrong]).toEqual([]);
    expect([...rules.users.keys()]).toEqual(['alice', 'night-shift']);
    const named = [...profiles.users.values()].flatMap(({ filter }) => filter ?? []);
    expect(named.filter((name) => lists[name] === undefined)).toEqual([]);
    expect(named).toHaveLength(1);
  });

  it.each<[string, GatewayPlugin<never>]>([
    ['policy-sessions', policySessionsPlugin as GatewayPlugin<never>],
    ['policy-lockout', policyLockoutPlugin as GatewayPlugin<never>],
    ['policy-profile', policyProfilePlugin as GatewayPlugin<never>],
  ])('lists every setting of %s with its default', (name, { settings }) => {
    const rows = Object.entries<{ readonly default?: unknown }>(settings ?? {}).map(([setting, { default: usual }]) => {
      const shown =
        usual === undefined || usual instanceof Map
          ? 'none'
          : typeof usual === 'string'
            ? `\`${usual}\``
            : String(usual);
      return `| \`${envName(name, setting)}\` | ${shown} |`;
    });
    expect(rows.length).toBeGreaterThan(2);
    expect(rows.filter((row) => !page.includes(row))).toEqual([]);
  });
});
