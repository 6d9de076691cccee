import { SCAFFOLD_KINDS } from './kinds.ts';
import type { ScaffoldNames } from './names.ts';

/** The files of a new package, by their path in it. Undefined when there is no such kind. */
export function packageFiles(names: ScaffoldNames, kindName: string): ReadonlyMap<string, string> | undefined {
  const kind = SCAFFOLD_KINDS.get(kindName);
  if (kind === undefined) return undefined;
  const settings = { ...kind.gatewayEnv, ...prefixed(names, kind.env) };
  const env = Object.entries(settings).map(([name, value]) => `${name}=${value.replace('NAME', names.plugin)}`);
  return new Map([
    ['package.json', packageJson(names)],
    ['tsconfig.json', TSCONFIG],
    ['.gitignore', 'dist/\nnode_modules/\n'],
    ['README.md', readme(names, kind.about, env)],
    ['src/index.ts', kind.source(names)],
    ['test/plugin.test.ts', kind.test(names)],
  ]);
}

const prefixed = ({ prefix }: ScaffoldNames, env: Readonly<Record<string, string>>): Record<string, string> =>
  Object.fromEntries(Object.entries(env).map(([name, value]) => [`${prefix}${name}`, value]));

const packageJson = ({ package: name, gateway, version }: ScaffoldNames): string =>
  `${JSON.stringify(
    {
      name,
      version: '0.1.0',
      type: 'module',
      exports: './dist/src/index.js',
      files: ['dist/src'],
      scripts: { build: 'tsc', test: 'tsc && node --test dist/test/plugin.test.js' },
      peerDependencies: { 'pptp-gateway': `^${version}` },
      devDependencies: { '@types/node': '^20.19.0', 'pptp-gateway': `file:${gateway}`, typescript: '^6.0.0' },
    },
    null,
    2,
  )}\n`;

const TSCONFIG = `${JSON.stringify(
  {
    compilerOptions: {
      target: 'ES2023',
      lib: ['ES2023'],
      module: 'NodeNext',
      types: ['node'],
      strict: true,
      noUncheckedIndexedAccess: true,
      exactOptionalPropertyTypes: true,
      rootDir: '.',
      outDir: 'dist',
      declaration: true,
    },
    include: ['src', 'test'],
  },
  null,
  2,
)}\n`;

const readme = ({ package: name, gateway }: ScaffoldNames, about: string, env: readonly string[]): string => `# ${name}

A plug-in of pptp-gateway: ${about}.

\`\`\`sh
npm install        # once
npm test           # compiles it, holds it to its contract, and lets a client dial a gateway with it in memory
\`\`\`

Then start a gateway with it:

\`\`\`sh
cd ${gateway}
${[`PPTP_PLUGINS=/path/of/this/folder`, ...env].join(' \\\n')} \\
npm start
\`\`\`

\`npx pptp-gateway plugins list\`, with the same settings, shows what it binds. The gateway's docs/plugins.md has the whole
story, a page for each extension point included.
`;
