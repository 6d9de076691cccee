import { readFileSync } from 'node:fs';
import { describe, expect, it } from 'vitest';
import { settingEnv } from '../../config/plugin-names.ts';
import { execPlugin } from '../../plugins/backend-exec/index.ts';
import { webhookPlugin } from '../../plugins/backend-webhook/index.ts';

/** Names of settings in the first column of tables; `_CERT_FILE` after a whole name has the same beginning. */
const named = (page: string, prefix: string): ReadonlySet<string> => {
  const cells = [...readFileSync(page, 'utf8').matchAll(/^\| (`(?:PPTP)?_[^|]+) \|/gm)].map(([, cell = '']) => cell);
  const names = cells.flatMap((cell) => [...cell.matchAll(/`([A-Z_]+)`/g)].map(([, name = '']) => name));
  return new Set(names.map((name) => (name.startsWith('_') ? `${prefix}${name.slice(1)}` : name)));
};

describe('the pages of back-ends list the settings that there are', () => {
  it.each([
    ['docs/webhook.md', webhookPlugin],
    ['docs/exec.md', execPlugin],
  ])('%s', (page, { name, settings = {} }) => {
    const known = Object.keys(settings).map((setting) => settingEnv(name, setting));
    expect([...named(page, `PPTP_${name.toUpperCase()}_`)].toSorted()).toEqual(known.toSorted());
    const text = readFileSync(page, 'utf8');
    const mentioned = [...text.matchAll(/PPTP_(?:WEBHOOK|EXEC)_[A-Z_]+/g)].map(([one]) =>
      one.replace(/(?<!CA|CERT|KEY)_FILE$/, ''),
    );
    expect(mentioned.filter((one) => !known.includes(one))).toEqual([]);
  });
});
