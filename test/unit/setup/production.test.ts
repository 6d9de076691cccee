import { existsSync, mkdirSync, mkdtempSync, readFileSync, rmSync, writeFileSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { afterAll, describe, expect, test } from 'vitest';
import { licenceProblems } from '../../../setup/lib/licences.mjs';
import { type ProductionPackage, productionPackages, requireEmpty } from '../../../setup/lib/production.mjs';
import { makeSbom, type Sbom, sbomOf } from '../../../setup/lib/sbom.mjs';

const lock: unknown = JSON.parse(readFileSync('package-lock.json', 'utf8'));
const manifest = JSON.parse(readFileSync('package.json', 'utf8')) as {
  readonly version: string;
  readonly dependencies: Readonly<Record<string, string>>;
  readonly devDependencies: Readonly<Record<string, string>>;
};

describe('the packages that a gateway needs to run', () => {
  test('are those of the lock file without the ones for development, also below others', () => {
    const packages = productionPackages(
      {
        packages: {
          '': { name: 'us', version: '1.0.0' },
          'node_modules/a': { version: '1.0.0', license: 'MIT' },
          'node_modules/a/node_modules/@b/c': { version: '2.0.0', license: 'ISC' },
          'node_modules/dev': { version: '3.0.0', dev: true },
          'node_modules/other-platform': { version: '4.0.0', optional: true },
        },
      },
      (path) => path !== 'node_modules/other-platform',
    );
    expect(packages.map(({ name, version, license }) => [name, version, license])).toEqual([
      ['a', '1.0.0', 'MIT'],
      ['@b/c', '2.0.0', 'ISC'],
    ]);
  });

  test('are every dependency of ours, and no package for development', () => {
    const versions = new Map(productionPackages(lock).map(({ path, version }) => [path, version]));
    for (const [name, version] of Object.entries(manifest.dependencies))
      expect(versions.get(`node_modules/${name}`), name).toBe(version);
    for (const name of ['typescript', 'vitest', '@biomejs/biome']) {
      expect(manifest.devDependencies).toHaveProperty(name);
      expect(versions.has(`node_modules/${name}`), name).toBe(false);
    }
  });

  test('have licences that let them be handed on', () => {
    expect(licenceProblems(productionPackages(lock))).toEqual([]);
  });
});

describe('the folder that they are copied to', () => {
  const folder = mkdtempSync(join(tmpdir(), 'pptp-tree-'));
  afterAll(() => rmSync(folder, { recursive: true, force: true }));

  test('is empty, or not there yet', async () => {
    mkdirSync(join(folder, 'empty'));
    await expect(requireEmpty(join(folder, 'empty'))).resolves.toBeUndefined();
    await expect(requireEmpty(join(folder, 'absent'))).resolves.toBeUndefined();
  });

  test('is refused where somebody has something in it, if only empty folders', async () => {
    await expect(requireEmpty(folder)).rejects.toMatchObject({ code: 'FOLDER_IN_USE' });
    writeFileSync(join(folder, 'file'), '');
    await expect(requireEmpty(join(folder, 'file'))).rejects.toMatchObject({ code: 'NOT_A_FOLDER' });
  });
});

describe('a licence', () => {
  const one = (license: string | undefined): ProductionPackage => ({ path: 'p', name: 'a', version: '1.0.0', license });

  test.each(['MIT', '(MIT OR GPL-3.0)', 'Apache-2.0 AND MIT'])('%s is taken', (license) => {
    expect(licenceProblems([one(license)])).toEqual([]);
  });

  test.each(['GPL-3.0-only', 'LGPL-2.1', 'MIT AND AGPL-3.0', 'SEE LICENSE IN x', undefined])('%s is not', (license) => {
    expect(licenceProblems([one(license)])).toEqual([`a 1.0.0: ${license ?? 'no licence is named'}`]);
  });
});

describe('the list of parts', () => {
  const facts = { version: '0.1.0', epoch: 1_700_000_000 };

  test('leads from each package to the ones that Node would find for it', () => {
    const small = {
      packages: {
        '': { dependencies: { a: '1', '@s/b': '1' }, devDependencies: { d: '1' } },
        'node_modules/a': { version: '1.0.0', license: 'MIT', dependencies: { c: '1' }, integrity: 'sha512-AQI=' },
        'node_modules/a/node_modules/c': { version: '1.0.0', license: 'MIT OR ISC', dependencies: { '@s/b': '1' } },
        'node_modules/@s/b': {
          version: '2.0.0',
          license: 'ISC',
          dependencies: { c: '2' },
          peerDependencies: { x: '*' },
        },
        'node_modules/c': { version: '2.0.0', license: 'MIT' },
        'node_modules/d': { version: '9.0.0', dev: true },
      },
    };
    const { dependencies, components } = sbomOf(small, productionPackages(small), facts);
    expect(dependencies).toEqual([
      { ref: '@s/b@2.0.0', dependsOn: ['c@2.0.0'] },
      { ref: 'a@1.0.0', dependsOn: ['c@1.0.0'] },
      { ref: 'c@1.0.0', dependsOn: ['@s/b@2.0.0'] },
      { ref: 'c@2.0.0', dependsOn: [] },
      { ref: 'pptp-gateway@0.1.0', dependsOn: ['@s/b@2.0.0', 'a@1.0.0'] },
    ]);
    expect(components.find(({ name }) => name === 'a')?.hashes).toEqual([{ alg: 'SHA-512', content: '0102' }]);
    expect(components.map(({ licenses: [one] }) => one?.expression ?? one?.license?.id)).toEqual([
      ...['ISC', 'MIT', 'MIT OR ISC', 'MIT'],
    ]);
  });

  test('is the same each time, and another when something is another', () => {
    const all = productionPackages(lock);
    const first = sbomOf(lock, all, facts);
    expect(sbomOf(lock, all.toReversed(), facts)).toEqual(first);
    expect(sbomOf(lock, all.slice(1), facts).serialNumber).not.toBe(first.serialNumber);
    expect(first.metadata.timestamp).toBe('2023-11-14T22:13:20.000Z');
    expect(first.serialNumber).toMatch(
      /^urn:uuid:[0-9a-f]{8}-[0-9a-f]{4}-8[0-9a-f]{3}-[89ab][0-9a-f]{3}-[0-9a-f]{12}$/,
    );
    expect(JSON.stringify(first)).not.toMatch(/\.tgz|localhost|\/home\//);
  });

  test('has every package with version, package URL, digest and licence, and no dangling reference', async () => {
    const made = JSON.parse(await makeSbom(facts.epoch)) as Sbom;
    expect(made).toMatchObject({ bomFormat: 'CycloneDX', specVersion: '1.5', version: 1 });
    const parts = new Map(made.components.map((component) => [`${component.name}@${component.version}`, component]));
    const isHere = ({ path }: ProductionPackage): boolean => existsSync(`${path}/package.json`);
    for (const { name, version, license } of productionPackages(lock).filter(isHere)) {
      const found = parts.get(`${name}@${version}`);
      expect(found?.purl, name).toBe(`pkg:npm/${name.replace('@', '%40')}@${version}`);
      expect(
        found?.licenses.map((entry) => entry.license?.id ?? entry.expression),
        name,
      ).toEqual([license]);
      expect(found?.hashes[0], name).toEqual({ alg: 'SHA-512', content: expect.stringMatching(/^[0-9a-f]{128}$/) });
    }
    // protobufjs has types among its own dependencies.
    for (const name of Object.keys(manifest.devDependencies).filter((one) => !one.startsWith('@types/')))
      expect(
        made.components.some((one) => one.name === name),
        name,
      ).toBe(false);
    const refs = new Set([...made.components.map((one) => one['bom-ref']), `pptp-gateway@${manifest.version}`]);
    expect(new Set(made.dependencies.map(({ ref }) => ref))).toEqual(refs);
    for (const { dependsOn } of made.dependencies) for (const one of dependsOn) expect(refs.has(one), one).toBe(true);
  });
});
