import { describe, expect, it } from 'vitest';
import * as kinds from '../../../../core/ports/setting-kinds.ts';
import { withGiven } from '../../../../gateway/plugin-loader.ts';
import { checked } from '../../../../gateway/plugins/checked.ts';
import type { ImportedPlugin } from '../../../../gateway/plugins/import-plugins.ts';
import type { AnyPlugin } from '../../../../gateway/plugins/plugin-shape.ts';
import { GIVEN } from '../../../../gateway/plugins/plugin-source.ts';

type Options = Readonly<Record<string, unknown>> | undefined;

const acme = (check: (options: Options) => readonly string[]): ImportedPlugin => {
  const plugin: AnyPlugin = {
    name: 'acme',
    api: 2,
    settings: {
      url: { kind: kinds.text(), doc: '' },
      token: { kind: kinds.text(), doc: '', secret: true },
      keys: { kind: kinds.list(kinds.text()), doc: '', secret: true, default: [] },
    },
    check,
    register: () => undefined,
  };
  return { plugin, source: GIVEN };
};
const GIVEN_OPTIONS = { url: 'http://acme', token: 'hunter2', keys: ['hunter23', 'hunter22'] };

describe('what a plug-in says of its settings together', () => {
  it('is told without the secrets among them', () => {
    const plugin = acme((options) => [`${JSON.stringify(options)} do not go together`]);
    expect(checked(plugin, GIVEN_OPTIONS)).toEqual([
      '{"url":"http://acme","token":"[secret]","keys":["[secret]","[secret]"]} do not go together',
    ]);
  });

  it('is told without them where it throws', () => {
    const plugin = acme((options) => {
      throw new TypeError(`no key: ${options?.['token']}`);
    });
    expect(() => withGiven(plugin, GIVEN_OPTIONS)).toThrow(/checking its settings failed: no key: \[secret\]$/);
  });
});
