import { readdirSync, readFileSync } from 'node:fs';
import { dirname, join, relative } from 'node:path';
import { describe, expect, it } from 'vitest';

interface Import {
  readonly from: string;
  readonly to: string;
}

const sources = (folder: string): string[] =>
  readdirSync(folder, { recursive: true, encoding: 'utf8' })
    .filter((name) => name.endsWith('.ts') && !name.endsWith('.d.ts'))
    .map((name) => join(folder, name));

/** Every import of a folder; relative targets as paths from the root, packages by name. */
const importsOf = (folder: string): Import[] =>
  sources(folder).flatMap((from) =>
    [...readFileSync(from, 'utf8').matchAll(/(?:from|import)\s*\(?'([^']+)'/g)].map((match) => {
      const target = match[1] ?? '';
      return { from, to: target.startsWith('.') ? relative('.', join(dirname(from), target)) : target };
    }),
  );

const withoutComments = (text: string): string => text.replace(/\/\*[\s\S]*?\*\//g, '').replace(/^\s*\/\/.*$/gm, '');

const violations = (imports: readonly Import[], allowed: (one: Import) => boolean): string[] =>
  imports.filter((one) => !allowed(one)).map(({ from, to }) => `${from} -> ${to}`);

/** The folder right below `root` that a path lies in ("core/wire/gre.ts" in "core": "wire"). */
const room = (root: string, path: string): string | undefined =>
  path.startsWith(`${root}/`) ? path.slice(root.length + 1).split('/')[0] : undefined;

/** What each layer of core may import, besides itself (ARCHITECTURE.md, allowed imports). */
const RXJS_VALUES: ReadonlySet<string> = new Set(['core/datapath/lift.ts', 'core/datapath/batch-source.ts']);
const CORE_LAYERS: Readonly<Record<string, readonly string[]>> = {
  'time.ts': [],
  'outcome.ts': [],
  'errors.ts': [],
  bytes: ['time.ts'],
  wire: ['bytes', 'outcome.ts', 'time.ts'],
  crypto: ['bytes'],
  compress: [],
  machine: ['wire', 'crypto', 'bytes', 'ports', 'time.ts', 'outcome.ts'],
  ports: ['machine', 'datapath', 'bytes', 'time.ts', 'outcome.ts', 'errors.ts'],
  datapath: ['wire', 'crypto', 'compress', 'machine', 'bytes', 'ports', 'time.ts', 'outcome.ts'],
  proofs: ['bytes', 'crypto', 'ports'],
  json: ['bytes', 'crypto', 'ports', 'proofs'],
  'tokens.ts': ['ports', 'datapath'],
};

describe('import directions', () => {
  it.each(Object.entries(CORE_LAYERS))('core/%s', (layer, others) => {
    const imports = importsOf('core').filter(({ from }) => room('core', from) === layer);
    expect(
      violations(imports, ({ to }) => {
        const target = room('core', to);
        return target === undefined || target === layer || others.includes(target);
      }),
    ).toEqual([]);
  });

  it('every file of core belongs to a layer', () => {
    const rooms = new Set(sources('core').map((path) => room('core', path)));
    rooms.delete('index.ts');
    expect([...rooms].filter((name) => name === undefined || CORE_LAYERS[name] === undefined)).toEqual([]);
  });

  it('core imports rxjs for types only, except in the bridge and where batches begin; no other package but inversify types', () => {
    const offenders = sources('core').filter((path) => {
      const text = readFileSync(path, 'utf8');
      const values = [...text.matchAll(/^import (?!type )[^;]*from '([^.'][^']*)'/gm)].map((match) => match[1]);
      return values.some((name) => !(name === 'rxjs' && RXJS_VALUES.has(path)));
    });
    expect(offenders).toEqual([]);
  });

  it('core knows no platform: no Node module, timer, console or process', () => {
    const offenders = sources('core').filter((path) =>
      /from 'node:|(?<![.\w])(setTimeout|setInterval|setImmediate|queueMicrotask)\(|(?<![.\w])(console|process|Buffer)\./.test(
        withoutComments(readFileSync(path, 'utf8')),
      ),
    );
    expect(offenders).toEqual([]);
  });

  it('no product code imports a test, or what tests are made with', () => {
    expect(
      violations(
        ['core', 'plugins', 'gateway', 'config', 'observability'].flatMap(importsOf),
        ({ to }) => !to.startsWith('test/') && !to.startsWith('testing/'),
      ),
    ).toEqual([]);
  });

  it('the dashboard, which runs in browsers, imports what the admin API says, and of core types only', () => {
    const files = readdirSync('dashboard', { recursive: true, encoding: 'utf8' })
      .filter((name) => /\.tsx?$/.test(name) && name !== 'vite.config.ts')
      .map((name) => join('dashboard', name));
    const imports = files.flatMap((from) =>
      [...readFileSync(from, 'utf8').matchAll(/^import (type )?[^;]*?'([^']+)';/gms)].map(([, type, target = '']) => ({
        from,
        isType: type !== undefined,
        to: target.startsWith('.') ? relative('.', join(dirname(from), target)) : target,
      })),
    );
    expect(imports.length).toBeGreaterThan(100);
    const packages = ['preact', 'preact/hooks', 'uplot'];
    const isAllowed = ({ to, isType }: (typeof imports)[number]): boolean =>
      to.startsWith('dashboard/') ||
      to.startsWith('gateway/admin/api/') ||
      packages.includes(to) ||
      (isType && to.startsWith('core/'));
    expect(imports.filter((one) => !isAllowed(one))).toEqual([]);
  });

  it('testing, which is shipped, imports what a gateway is made of, and no package that only we have', () => {
    const { dependencies } = JSON.parse(readFileSync('package.json', 'utf8'));
    const folders = ['core', 'plugins', 'config', 'gateway', 'testing'];
    const imports = importsOf('testing');
    expect(imports.length).toBeGreaterThan(100);
    expect(
      violations(
        imports,
        ({ to }) =>
          to.startsWith('node:') || to in dependencies || folders.some((folder) => room(folder, to) !== undefined),
      ),
    ).toEqual([]);
  });
});

describe('a gateway of one process', () => {
  /** What is loaded with a file: its imports that are not only types, and theirs; not what is imported when it is needed. */
  const loadedWith = (entry: string): ReadonlySet<string> => {
    const found = new Set<string>();
    const visit = (path: string): void => {
      if (found.has(path)) return;
      found.add(path);
      for (const [, names = '', target = ''] of readFileSync(path, 'utf8').matchAll(
        /^(?:import|export) (?!type )([^;]*? from )?'(\.[^']+\.ts)';/gm,
      )) {
        const onlyTypes = /^\{(\s*type [^,}]+,?)+\s*\} from $/.test(names);
        if (!onlyTypes) visit(relative('.', join(dirname(path), target)));
      }
    };
    visit(entry);
    return found;
  };

  it('loads neither the supervisor nor the worker', () => {
    const loaded = loadedWith('gateway/run.ts');
    expect(loaded).toContain('gateway/compose.ts');
    // Sums tell what is whose, also when everything is one's own; and what workers of an earlier start left on the host is
    // taken back.
    const common = ['abandoned', 'shard', 'slices'].map((name) => `gateway/workers/${name}.ts`);
    expect([...loaded].filter((path) => path.startsWith('gateway/workers/')).toSorted()).toEqual(common);
  });

  it('loads nothing that serves the admin API before the configuration wants it', () => {
    const loaded = loadedWith('gateway/run.ts');
    expect(loaded).toContain('gateway/admin/with-admin.ts');
    const serving = ['app', 'guard', 'server', 'serve', 'tcp-server', 'pages', 'specs/index', 'routes/index'];
    for (const name of serving) expect(loaded).not.toContain(`gateway/admin/${name}.ts`);
    for (const path of loaded) {
      expect(readFileSync(path, 'utf8'), path).not.toMatch(
        /^import (?!type )[^;]* from '(fastify|@fastify\/[a-z-]+)';/m,
      );
    }
  });
});
