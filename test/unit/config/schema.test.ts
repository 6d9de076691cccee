import { readFileSync } from 'node:fs';
import fc from 'fast-check';
import { describe, expect, test } from 'vitest';
import { configurationPage } from '../../../config/describe.ts';
import { loadConfig } from '../../../config/load.ts';
import { ConfigError } from '../../../config/problems.ts';
import { KEYS } from '../../../config/schema.ts';

describe('every key', () => {
  test.each(KEYS.map((key) => [key.path, key] as const))('%s has a name in the environment and a line', (_, key) => {
    expect(key.env).toMatch(/^PPTP_[A-Z0-9]+(_[A-Z0-9]+)*$/);
    expect(key.doc).toMatch(/^[A-Z].*\.$/);
    expect(key.kind.expected).not.toBe('');
  });

  test('is alone with its environment name and its flag', () => {
    // The name with _FILE is read for a secret, and refused with advice for any other key.
    const names = KEYS.flatMap(({ env }) => [env, `${env}_FILE`]);
    const flags = KEYS.flatMap(({ flag }) => (flag === undefined ? [] : [flag]));
    expect(new Set(names).size).toBe(names.length);
    expect(new Set(flags).size).toBe(flags.length);
  });

  test('takes any text with a value or a named problem, never another exception', () => {
    const names = KEYS.map((key) => key.env);
    fc.assert(
      fc.property(fc.dictionary(fc.constantFrom(...names), fc.string({ unit: 'binary' }), { maxKeys: 4 }), (env) => {
        try {
          loadConfig({ env });
        } catch (error) {
          if (!(error instanceof ConfigError)) throw error;
          expect(error.problems.every((problem) => problem.env !== undefined)).toBe(true);
        }
      }),
    );
  });
});

test('docs/configuration.md is what the schema says: node setup/docs.mjs', () => {
  expect(readFileSync('docs/configuration.md', 'utf8')).toBe(configurationPage());
});
