import { mkdirSync, mkdtempSync, rmSync, writeFileSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { afterEach, beforeAll, beforeEach, describe, expect, it } from 'vitest';
import { loadAddonWith, packageRoot } from '../../../../plugins/native-addon/load-addon.ts';
import { loadAddon } from '../../native/addon.ts';

interface Part {
  closeFd(fd: number): void;
}
interface Future {
  notYetWritten(): void;
}

describe('loadAddonWith', () => {
  let root: string;
  beforeAll(() => void loadAddon(), 120_000);
  beforeEach(() => {
    root = mkdtempSync(join(tmpdir(), 'pptp-addon-'));
    writeFileSync(join(root, 'package.json'), '{}');
    for (const folder of ['plugins/native-addon', 'dist/plugins/native-addon', 'native/build/Release']) {
      mkdirSync(join(root, folder), { recursive: true });
    }
  });
  afterEach(() => rmSync(root, { recursive: true, force: true }));

  it('finds the package root from the sources and from the build', () => {
    expect(packageRoot(join(root, 'plugins/native-addon'))).toBe(root);
    expect(packageRoot(join(root, 'dist/plugins/native-addon'))).toBe(root);
  });

  it('gives the addon of this checkout when it has the functions', () => {
    expect(loadAddonWith<Part>(['closeFd']).closeFd).toBeTypeOf('function');
  });

  it('says what to do when it is not built, built wrong, or built from other sources', () => {
    const missing = { code: 'NATIVE_MISSING', message: expect.stringContaining('npm run build:native') };
    const load = () => loadAddonWith<Part>(['closeFd'], join(root, 'plugins/native-addon'));
    expect(load).toThrow(expect.objectContaining(missing));
    writeFileSync(join(root, 'native/build/Release/pptp_native.node'), 'not a library');
    expect(load).toThrow(expect.objectContaining(missing));
    expect(() => loadAddonWith<Future>(['notYetWritten'])).toThrow(expect.objectContaining(missing));
  });
});
