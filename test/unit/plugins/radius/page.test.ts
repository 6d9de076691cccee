import { readFile } from 'node:fs/promises';
import { describe, expect, it } from 'vitest';
import { settingEnv } from '../../../../config/plugin-names.ts';
import { formatIpv4, ipv4 } from '../../../../core/bytes/ipv4-address.ts';
import { ipv4Address } from '../../../../core/ports/setting-kinds.ts';
import type { Setting } from '../../../../core/ports/settings.ts';
import { ACCEPT_RULES } from '../../../../plugins/radius/auth/index.ts';
import { radiusPlugin } from '../../../../plugins/radius/index.ts';

const page = await readFile(new URL('../../../../docs/radius.md', import.meta.url), 'utf8');

/** What stands between the two comments of this name. */
const block = (name: string): string =>
  new RegExp(`<!-- ${name} -->\n([\\s\\S]*?)\n<!-- /${name} -->`).exec(page)?.[1] ?? expect.fail(name);

const usual = ({ kind, default: value, ...rest }: Setting<unknown>): string => {
  if (rest.secret === true || value === undefined) return '';
  if (kind === ipv4Address && typeof value === 'number') return `\`${formatIpv4(ipv4(value))}\``;
  const text = Array.isArray(value) ? value.join(',') : String(value);
  return text === '' ? '' : `\`${text}\``;
};

describe('docs/radius.md', () => {
  it('has a line for each attribute that the code honours', () => {
    const rows = ACCEPT_RULES.map(({ type, doc }) => `| ${type.name} | ${doc} |`);
    expect(block('attributes')).toBe(['| attribute | what becomes of it |', '|---|---|', ...rows].join('\n'));
  });

  it('has a line for each setting', () => {
    const settings: Readonly<Record<string, Setting<unknown>>> = radiusPlugin.settings ?? {};
    const rows = Object.entries(settings).map(
      ([name, setting]) =>
        `| \`${settingEnv('radius', name)}\` | ${usual(setting)} | ${setting.live === true ? 'yes' : ''} | ${setting.doc} |`,
    );
    expect(block('settings')).toBe(
      ['| setting | default | live | what it does |', '|---|---|---|---|', ...rows].join('\n'),
    );
  });
});
