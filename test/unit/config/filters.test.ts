import { mkdtempSync, writeFileSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { describe, expect, it } from 'vitest';
import { parse } from 'yaml';
import { parseFilters } from '../../../config/filters.ts';
import { loadConfig } from '../../../config/load.ts';
import { address } from '../../support/batches.ts';
import { address6 } from '../../support/ipv6-packets.ts';

const filters = (text: string) => parseFilters(parse(text));

describe('the file of packet filters', () => {
  it('says all that a rule can', () => {
    expect(
      filters(`
office:
  default: deny
  rules:
    - { action: allow, direction: in, protocol: tcp, destination: 10.20.0.0/16, destinationPorts: [443, 8000-8100] }
    - { action: allow, protocol: ICMP }
    - { action: deny, source: "fd00:1::/32", protocol: 97, direction: out }
    - { action: allow, source: 10.20.0.1, sourcePorts: 53 }
open: { default: allow }
`),
    ).toEqual({
      mistakes: [],
      lists: {
        open: { otherwise: 'allow', rules: [] },
        office: {
          otherwise: 'deny',
          rules: [
            {
              action: 'allow',
              direction: 'in',
              protocol: 6,
              destination: { version: 4, address: address('10.20.0.0'), prefixLength: 16 },
              destinationPorts: [
                { from: 443, to: 443 },
                { from: 8000, to: 8100 },
              ],
            },
            { action: 'allow', protocol: 1 },
            {
              action: 'deny',
              direction: 'out',
              protocol: 97,
              source: { version: 6, address: address6('fd00:1::'), prefixLength: 32 },
            },
            {
              action: 'allow',
              source: { version: 4, address: address('10.20.0.1'), prefixLength: 32 },
              sourcePorts: [{ from: 53, to: 53 }],
            },
          ],
        },
      },
    });
  });

  it.each([
    ['a: {}', 'a.default must be `allow` or `deny`'],
    ['a: { default: deny, rule: [] }', 'a.rule: there is no such key'],
    ['a: { default: deny, rules: [{ direction: in }] }', 'a.rules[0].action must be'],
    ['a: { default: deny, rules: [{ action: allow, port: 1 }] }', 'a.rules[0].port: there is no such key'],
    ['a: { default: deny, rules: [{ action: allow, protocol: xyz }] }', 'a.rules[0].protocol must be'],
    ['a: { default: deny, rules: [{ action: allow, source: 10.1.0.0/8 }] }', 'a.rules[0].source must be'],
    ['a: { default: deny, rules: [{ action: allow, source: "fd00::1/64" }] }', 'a.rules[0].source must be'],
    ['a: { default: deny, rules: [{ action: allow, sourcePorts: 70000 }] }', 'a.rules[0].sourcePorts must be'],
    ['a: { default: deny, rules: [{ action: allow, sourcePorts: 9-8 }] }', 'a.rules[0].sourcePorts must be'],
    ['a: { default: deny, rules: [{ action: allow, protocol: icmp, sourcePorts: 8 }] }', 'has no ports'],
    ['a: { default: deny, rules: [{ action: allow, source: 10.0.0.1, destination: "::1" }] }', 'different IP versions'],
    ['a: { default: deny, rules: [{ action: allow, source: }] }', 'a.rules[0].source must be'],
    ['a: { default: deny, rules: [{ action: allow, protocol: constructor }] }', 'a.rules[0].protocol must be'],
    ['a: { default: deny, rules: 7 }', 'a.rules must be a list'],
    ['"a b": { default: deny }', 'a name has letters'],
    ['a: 7', 'a must have'],
    ['[]', 'filters by name'],
  ])('%s: %s', (text, mistake) => {
    const { lists, mistakes } = filters(text);
    expect(mistakes.join('\n')).toContain(mistake);
    expect(lists).toEqual({});
  });

  it('is read with the configuration, and its mistakes are those of the configuration', () => {
    const path = join(mkdtempSync(join(tmpdir(), 'filters-')), 'filters.yaml');
    const load = () => loadConfig({ env: { PPTP_FILTERS_FILE: path } }).config.filters;
    writeFileSync(path, 'office: { default: deny }\n');
    expect(load()).toEqual({ office: { otherwise: 'deny', rules: [] } });
    writeFileSync(path, 'office: { default: maybe }\n');
    expect(load).toThrow('office.default');
    expect(() => loadConfig({ env: { PPTP_FILTERS_FILE: '/does/not/exist' } })).toThrow('cannot be read');
  });
});
