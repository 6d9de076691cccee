import { execFileSync } from 'node:child_process';
import { existsSync, readFileSync, statSync } from 'node:fs';
import { join, normalize } from 'node:path';
import { describe, expect, test } from 'vitest';
import { parse } from 'yaml';
import { KEYS } from '../../../config/schema.ts';
import { type Instruction, parseDockerfile } from '../../support/dockerfile.ts';

const FOLDER = 'deploy/container';
const instructions = parseDockerfile(readFileSync(`${FOLDER}/Dockerfile`, 'utf8'));
const ignore = readFileSync(`${FOLDER}/Dockerfile.dockerignore`, 'utf8').split('\n');
const allowed = ignore.filter((line) => line.startsWith('!')).map((line) => line.slice(1));
const starts = instructions.flatMap(({ name }, at) => (name === 'FROM' ? [at] : []));
const stages = starts.map((start, at) => instructions.slice(start, starts[at + 1]));
const [build = [], final = []] = stages;
const all = (stage: readonly Instruction[], name: string): readonly string[] =>
  stage.filter((one) => one.name === name).map((one) => one.text);
const one = (stage: readonly Instruction[], name: string): string => {
  const [only = '', ...more] = all(stage, name);
  expect(more, name).toEqual([]);
  return only;
};
const inFinal = (name: string): string => one(final, name);

describe('the Dockerfile', () => {
  test('has one stage that builds and one that is kept, both of named versions', () => {
    expect(stages).toHaveLength(2);
    expect(one(build, 'FROM')).toMatch(/^node:\d+-[a-z]+ AS build$/);
    expect(inFinal('FROM')).toMatch(/^node:\d+-[a-z]+-slim$/);
    const version = (from: string): string | undefined => /^node:(\d+-[a-z]+)/.exec(from)?.[1];
    expect(version(one(build, 'FROM'))).toBe(version(inFinal('FROM')));
  });

  test('uses instructions that there are, with their own spelling', () => {
    const known = [
      ...['FROM', 'WORKDIR', 'ENV', 'COPY', 'ARG', 'RUN', 'LABEL', 'USER'],
      ...['VOLUME', 'EXPOSE', 'STOPSIGNAL', 'HEALTHCHECK', 'ENTRYPOINT', 'CMD'],
    ];
    for (const { name } of instructions) expect(known).toContain(name);
    for (const name of ['ENTRYPOINT', 'CMD', 'USER', 'WORKDIR', 'HEALTHCHECK', 'STOPSIGNAL', 'VOLUME']) inFinal(name);
  });

  test('copies what the build may see and nothing else into the stage that is kept', () => {
    const copies = all(final, 'COPY').map((text) => text.split(/\s+/).filter((word) => !word.startsWith('--chmod')));
    for (const words of copies) {
      const paths = words.slice(0, -1);
      if (paths[0]?.startsWith('--from=') === true) expect(paths).toEqual(['--from=build', '/out']);
      else for (const path of paths) expect(allowed).toContain(path);
    }
    expect(one(build, 'ENV')).toBe('npm_config_nodedir=/usr/local');
    expect(all(build, 'RUN')).toContain('node setup/tree.mjs /out');
  });

  test('makes shells stop at the first failure, and leaves no lists of packages', () => {
    for (const text of [...all(build, 'RUN'), ...all(final, 'RUN')]) {
      expect(text).not.toMatch(/;|\bsudo\b|curl|wget|--force/);
      if (text.includes('apt-get')) {
        expect(text).toMatch(
          /^apt-get update && apt-get install -y --no-install-recommends .*rm -rf \/var\/lib\/apt\/lists\/\*$/,
        );
      }
    }
    expect(() =>
      execFileSync('sh', ['-n'], { input: all(final, 'RUN').join('\n'), stdio: ['pipe', 'pipe', 'pipe'] }),
    ).not.toThrow();
  });

  test('runs as an ordinary user with a number, which its folders belong to', () => {
    const [user, group] = inFinal('USER').split(':');
    expect(Number(user)).toBeGreaterThan(0);
    expect(group).toBe(user);
    const steps = all(final, 'RUN').join('\n');
    expect(steps).toContain(`--uid ${user} --gid ${group}`);
    expect(steps).toContain('install -d -m 0700 -o pptp-gateway -g pptp-gateway /var/lib/pptp-gateway');
    // Everything that is to be written by root comes before.
    const at = (name: string): number => final.findIndex((step) => step.name === name);
    expect(final.slice(at('USER')).some(({ name }) => ['RUN', 'COPY'].includes(name))).toBe(false);
    expect(at('USER')).toBeLessThan(at('VOLUME'));
  });

  test('gives the two capabilities to one program, and takes away every other way to more rights', () => {
    const steps = all(final, 'RUN').join('\n');
    expect([...steps.matchAll(/setcap (\S+) (\S+)/g)].map(([, what, where]) => [what, where])).toEqual([
      ['cap_net_admin,cap_net_raw=ep', '/usr/local/libexec/pptp-gateway/with-network-rights'],
    ]);
    expect(steps).toContain('find / -xdev -type f -perm /6000 -exec chmod a-s {} +');
    expect(readFileSync(`${FOLDER}/pptp-gateway`, 'utf8')).toContain(
      'helper=/usr/local/libexec/pptp-gateway/with-network-rights',
    );
  });

  test('is labelled, tells how it is, and stops by draining', () => {
    const label = inFinal('LABEL');
    for (const name of ['title', 'description', 'version', 'revision', 'base.name'])
      expect(label).toContain(`org.opencontainers.image.${name}=`);
    expect(label).toContain(`docker.io/library/${inFinal('FROM')}`);
    expect(inFinal('HEALTHCHECK')).toMatch(/CMD \["pptp-gateway", "healthcheck"\]$/);
    expect(inFinal('STOPSIGNAL')).toBe('SIGTERM');
    expect(inFinal('ENTRYPOINT')).toBe('["pptp-gateway"]');
    expect(inFinal('CMD')).toBe('["run"]');
    const state = KEYS.find(({ path }) => path === 'stateDir')?.default;
    expect(inFinal('VOLUME')).toBe(state);
  });

  test('sets names that the gateway has, and says which ports it has', () => {
    const names = [
      ...all(final, 'ENV')
        .join(' ')
        .matchAll(/(\w+)=/g),
    ].map(([, name = '']) => name);
    for (const name of names.filter((text) => text.startsWith('PPTP_')))
      expect(
        KEYS.some(({ env }) => env === name),
        name,
      ).toBe(true);
    const port = (path: string) => KEYS.find((key) => key.path === path)?.default;
    expect(inFinal('EXPOSE')).toBe(`${port('listen.port')}/tcp ${port('admin.port')}/tcp`);
  });

  test('has the programs that the gateway calls', async () => {
    const { RUN_PROGRAMS } = await import('../../../setup/lib/preflight.mjs');
    const installs = all(final, 'RUN').filter((text) => text.includes('apt-get install'));
    for (const name of Object.values(RUN_PROGRAMS)) expect(installs.join(' ')).toMatch(new RegExp(`\\b${name}\\b`));
  });
});

describe('what the build sees', () => {
  test('is there, and enough', () => {
    expect(ignore.find((line) => line !== '' && !line.startsWith('#'))).toBe('*');
    for (const path of allowed) expect(existsSync(path), path).toBe(true);
    const tsc = parse(readFileSync('testing/tsconfig.json', 'utf8')) as {
      readonly references: readonly { readonly path: string }[];
    };
    const needed = tsc.references.map(({ path }) => normalize(join('testing', path)));
    expect(allowed).toEqual(
      expect.arrayContaining([...needed, 'testing', 'dashboard', 'native', 'setup', 'package-lock.json']),
    );
  });
});

test('the entrance of the image is a script that shells take, and that may be run', () => {
  expect(statSync(`${FOLDER}/pptp-gateway`).mode & 0o111).toBe(0o111);
  const script = readFileSync(`${FOLDER}/pptp-gateway`, 'utf8');
  expect(script).toContain('node --enable-source-maps /app/dist/gateway/main.js "$@"');
  expect(() => execFileSync('sh', ['-n', `${FOLDER}/pptp-gateway`])).not.toThrow();
});
