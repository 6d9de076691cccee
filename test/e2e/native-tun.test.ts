import { execFileSync } from 'node:child_process';
import { existsSync } from 'node:fs';
import { fileURLToPath } from 'node:url';
import { describe, expect, it } from 'vitest';
import { loadAddon, runToEnd } from '../unit/native/addon.ts';

const child = fileURLToPath(new URL('native-tun.child.mjs', import.meta.url));

function reasonToSkip(): string | undefined {
  if (process.getuid?.() !== 0) return 'needs root';
  return existsSync('/dev/net/tun') ? undefined : 'needs /dev/net/tun';
}

loadAddon();
const cases: readonly string[] = JSON.parse(execFileSync(process.execPath, [child], { encoding: 'utf8' }));
const reason = reasonToSkip();
const title = 'the addon on a real TUN device';

describe.skipIf(reason !== undefined)(reason === undefined ? title : `${title} (skipped: ${reason})`, () => {
  // A process cannot leave its network namespace, so each case is a process in a namespace that ends with it.
  it.each(cases)('%s', async (name) => {
    const finished = await runToEnd('unshare', ['--net', process.execPath, '--expose-gc', child, name]);
    expect(finished).toEqual({ status: 0, signal: null, output: `passed: ${name}\n`, errors: '' });
  });
});
