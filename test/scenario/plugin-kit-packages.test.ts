import { mkdir, readdir, readFile, symlink, writeFile } from 'node:fs/promises';
import { join } from 'node:path';
import { afterAll, beforeAll, describe, expect, it } from 'vitest';
import { GatewayError } from '../../core/errors.ts';
import { writePlugin } from '../../gateway/cli/plugins-new.ts';
import { whyNoPlugin } from '../../gateway/plugins/plugin-shape.ts';
import { SCAFFOLD_KINDS } from '../../gateway/scaffold/kinds.ts';
import { TestGateway } from '../../testing/index.ts';
import { buildGateway, GATEWAY_FOLDER, Outside } from '../support/outside.ts';

const KINDS = [...SCAFFOLD_KINDS.keys()];
const VERSION = '0.1.0';

let outside: Outside;
beforeAll(async () => {
  await buildGateway();
  outside = await Outside.make();
}, 120_000);
afterAll(() => outside.remove());

const codeOf = async (attempt: Promise<unknown>): Promise<string> => {
  try {
    await attempt;
    return 'no error';
  } catch (cause) {
    return cause instanceof GatewayError ? cause.code : String(cause);
  }
};

describe('`plugins new`', () => {
  it('writes packages of every kind that compile, pass their tests and load', { timeout: 120_000 }, async () => {
    for (const kind of KINDS) {
      await writePlugin({ name: `my-${kind}`, kind, dir: outside.path(`my-${kind}`), version: VERSION });
    }
    // All in one go: the compiler starts once. Their own settings are those of each package.
    const { compilerOptions } = JSON.parse(await readFile(outside.path('my-stage', 'tsconfig.json'), 'utf8'));
    const include = KINDS.flatMap((kind) => [`my-${kind}/src`, `my-${kind}/test`]);
    await writeFile(
      outside.path('tsconfig.json'),
      JSON.stringify({ compilerOptions: { ...compilerOptions, skipLibCheck: false }, include }),
    );
    await writeFile(outside.path('package.json'), '{ "type": "module" }');
    expect(await outside.tsc('-p', '.')).toEqual({ code: 0, text: '' });

    const tests = KINDS.map((kind) => `dist/my-${kind}/test/plugin.test.js`).join(' ');
    const { code, text } = await outside.sh(`node --test ${tests}`);
    expect([code, text]).toEqual([0, expect.stringMatching(/# fail 0\n/)]);
    const passed = Number(/# pass (\d+)/.exec(text)?.[1]);
    expect(passed).toBeGreaterThan(KINDS.length * 5);

    const paths = KINDS.map((kind) => outside.path('dist', `my-${kind}`, 'src', 'index.js'));
    const gateway = await TestGateway.start({
      env: {
        PPTP_PLUGINS: paths.join(','),
        PPTP_MY_AUTHENTICATOR_USERS: 'dora:explorer',
        PPTP_MY_POLICY_BLOCKED: 'mallory',
        PPTP_MY_STAGE_PORTS: '23,25',
      },
    });
    expect(gateway.stages).toContain('my-stage');
    expect(await (await gateway.connect({ user: 'dora', password: 'explorer' })).ping()).toBe(true);
    await gateway.stop();
  });

  it('writes what npm needs: the gateway by its folder, and the interface as a peer', async () => {
    const folder = await writePlugin({
      name: '@acme/directory',
      kind: 'listener',
      dir: outside.path('scoped'),
      version: VERSION,
    });
    const manifest = JSON.parse(await readFile(join(folder, 'package.json'), 'utf8'));
    expect(manifest).toMatchObject({
      name: '@acme/directory',
      type: 'module',
      exports: './dist/src/index.js',
      peerDependencies: { 'pptp-gateway': '^0.1.0' },
      devDependencies: { 'pptp-gateway': `file:${GATEWAY_FOLDER}` },
    });
    expect(await readFile(join(folder, 'src', 'index.ts'), 'utf8')).toContain("name: 'directory'");
    expect((await readdir(folder)).toSorted()).toEqual([
      '.gitignore',
      'README.md',
      'package.json',
      'src',
      'test',
      'tsconfig.json',
    ]);
  });

  it('overwrites nothing, and refuses names and kinds that cannot be', async () => {
    const taken = outside.path('taken');
    await mkdir(taken);
    await writeFile(join(taken, 'notes.txt'), 'mine');
    const attempt = (name: string, kind: string, dir: string) =>
      codeOf(writePlugin({ name, kind, dir, version: VERSION }));
    expect(await attempt('fine', 'stage', taken)).toBe('PLUGIN_INVALID');
    expect(await attempt('fine', 'stage', join(taken, 'notes.txt'))).toBe('PLUGIN_INVALID');
    expect(await readdir(taken)).toEqual(['notes.txt']);
    for (const name of ['Upper', '1st', '../up', 'two--hyphens', '', 'a/b', '@acme', 'x'.repeat(65)]) {
      expect([name, await attempt(name, 'stage', outside.path('never'))]).toEqual([name, 'PLUGIN_INVALID']);
    }
    expect(await attempt('fine', 'toaster', outside.path('never'))).toBe('PLUGIN_INVALID');
    expect(await readdir(outside.folder)).not.toContain('never');
  });
});

describe('the example examples/one-time-password', () => {
  it('compiles, passes its tests, loads by its folder, and a client logs in through it', {
    timeout: 120_000,
  }, async () => {
    const folder = await outside.copy('examples/one-time-password', 'one-time-password');
    expect(await outside.sh('tsc -p .', folder)).toEqual({ code: 0, text: '' });
    const { code, text } = await outside.sh('node --test dist/test/*.test.js', folder);
    expect([code, text]).toEqual([0, expect.stringMatching(/# fail 0\n/)]);
    expect(Number(/# pass (\d+)/.exec(text)?.[1])).toBeGreaterThan(30);

    const gateway = await TestGateway.start({
      env: {
        PPTP_PLUGINS: folder,
        PPTP_AUTH_METHODS: 'eap',
        PPTP_EAP_METHODS: 'token-card',
        PPTP_MPPE: 'permitted',
        PPTP_ONE_TIME_PASSWORD_TOKENS: 'dora:GEZDGNBVGY3TQOJQGEZDGNBVGY3TQOJQ',
        PPTP_ONE_TIME_PASSWORD_HOSTS: '10.0.0.80',
      },
    });
    const { tokenCard } = await import(join(folder, 'dist', 'src', 'token-card.js'));
    // The code of RFC 6238 for 14 November 2023, 22:13:20 UTC: the gateway's time of day begins there.
    const client = await gateway.connect({
      user: 'dora',
      password: '921300',
      method: 'eap',
      eap: [tokenCard],
      encryption: 'none',
    });
    expect(await client.ping()).toBe(true);
    await gateway.stop();
  });
});

describe('the examples on the pages of docs/plugins', () => {
  it('compile as they stand, and each is a plug-in', { timeout: 60_000 }, async () => {
    const folder = outside.path('pages');
    await mkdir(folder);
    const pages = await readdir('docs/plugins');
    for (const page of pages) {
      const [, block] = /^```ts\n(.*?)^```$/ms.exec(await readFile(join('docs/plugins', page), 'utf8')) ?? [];
      if (block === undefined) throw new Error(`${page} has no example`);
      await writeFile(join(folder, page.replace('.md', '.ts')), block);
    }
    await symlink(join(GATEWAY_FOLDER, 'node_modules', 'rxjs'), outside.path('node_modules', 'rxjs'));
    await writeFile(join(folder, 'package.json'), '{ "type": "module" }');
    const { compilerOptions } = JSON.parse(await readFile('examples/one-time-password/tsconfig.json', 'utf8'));
    const own = { ...compilerOptions, rootDir: '.', outDir: 'dist', types: ['node'] };
    await writeFile(join(folder, 'tsconfig.json'), JSON.stringify({ compilerOptions: own }));
    expect(await outside.sh('tsc -p .', folder)).toEqual({ code: 0, text: '' });
    for (const page of pages) {
      const { default: plugin } = await import(join(folder, 'dist', page.replace('.md', '.js')));
      expect([page, whyNoPlugin(plugin)]).toEqual([page, undefined]);
    }
  });
});

describe('the declarations', () => {
  it('of core and testing are complete, those of libraries included', {
    timeout: 60_000,
  }, async () => {
    const folder = outside.path('strict');
    await mkdir(join(folder, 'src'), { recursive: true });
    await writeFile(join(folder, 'package.json'), '{ "type": "module" }');
    const compilerOptions = {
      target: 'ES2023',
      lib: ['ES2023'],
      module: 'NodeNext',
      types: ['node'],
      strict: true,
      skipLibCheck: false,
      noEmit: true,
    };
    await writeFile(join(folder, 'tsconfig.json'), JSON.stringify({ compilerOptions, include: ['src'] }));
    const source = `
      import { type Authenticator, type AuthKind, definePlugin, kinds, PLUGIN_API, TOKENS } from 'pptp-gateway/core';
      import { runContract, stageContract, TestGateway } from 'pptp-gateway/testing';
      declare module 'pptp-gateway/core' {
        interface AuthKinds { badge: { readonly request: { readonly userName: string }; readonly grant: Readonly<Record<never, never>> } }
      }
      const badges: Authenticator = {
        name: 'badges',
        supports: (kind) => kind === 'badge',
        verify: async () => ({ ok: false, denial: 'unknown-user' }),
      };
      const plugin = definePlugin({
        name: 'badges',
        api: PLUGIN_API,
        settings: { limit: { kind: kinds.integer(1, 9), doc: 'Most.', default: 3 } },
        register: ({ bind }, { limit }) => { limit.toFixed(); bind(TOKENS.Authenticator).toConstantValue(badges); },
      });
      export const started = TestGateway.start({ plugins: [plugin] });
      // @ts-expect-error Nobody has declared this kind.
      export const isBadger = (kind: AuthKind) => kind === 'badger';
      export { runContract, stageContract };
    `;
    await writeFile(join(folder, 'src', 'index.ts'), source);
    expect(await outside.sh('tsc -p .', folder)).toEqual({ code: 0, text: '' });
  });
});
