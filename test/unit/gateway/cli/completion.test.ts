import { execFileSync, spawnSync } from 'node:child_process';
import { chmodSync, copyFileSync, mkdtempSync, rmSync, writeFileSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { afterAll, afterEach, beforeAll, beforeEach, describe, expect, it, test } from 'vitest';
import { completionScript, SHELLS, type Shell } from '../../../../gateway/cli/completion.ts';
import { allVerbs, type VerbModel } from '../../../../gateway/cli/model.ts';
import { PROGRAM, programModel } from '../../../../gateway/cli/program.ts';
import { type FakeGateway, fakeGateway, runVerb } from '../../../support/fake-gateway.ts';
import { sessionRow, sessionsPage } from '../../../support/session-rows.ts';

const folder = mkdtempSync(join(tmpdir(), 'pptp-complete-'));
afterAll(() => rmSync(folder, { recursive: true }));
let model: VerbModel;
beforeAll(async () => {
  model = await programModel();
  for (const shell of SHELLS) writeFileSync(join(folder, `script.${shell}`), completionScript(shell, PROGRAM, model));
  // In place of the gateway's answer.
  const stub = join(folder, PROGRAM);
  writeFileSync(stub, '#!/bin/bash\n[ "$1 $2" = "completion --values" ] && printf "%s\\n" "one-of-$3" "two-of-$3"\n');
  chmodSync(stub, 0o755);
  writeFileSync(join(folder, 'gateway.yaml'), '');
});

/** How a shell is asked what it offers for the last word of a command line; each answer ends with a line with a dot. */
interface Driver {
  readonly start: (script: string) => readonly string[];
  readonly ask: (words: readonly string[]) => string;
  readonly argv: (script: string) => readonly string[];
}

const inQuotes = (words: readonly string[]): string => words.map((word) => `'${word}'`).join(' ');

/** What zsh calls to offer words prints them instead: there is no line that is edited. */
const ZSH_PRINTS = `compadd() { shift; print -rl -- \${(M)@:#\${typed}*}; }`;

const DRIVERS: Readonly<Record<Shell, Driver>> = {
  bash: {
    argv: (script) => ['--norc', '-c', script],
    start: (file) => [`source ${file}`],
    ask: (words) =>
      `COMP_WORDS=(${inQuotes(words)}); COMP_CWORD=${words.length - 1}; _pptp_gateway; printf '%s\\n' "\${COMPREPLY[@]}"; echo .`,
  },
  zsh: {
    argv: (script) => ['-f', '-c', script],
    start: (file) => [
      `compdef() { [[ "$*" == '_pptp_gateway ${PROGRAM}' ]] || exit 9; }`,
      `source ${file}`,
      ZSH_PRINTS,
      `_files() { print -rl -- \${typed}*(N); }`,
    ],
    ask: (words) => `words=(${inQuotes(words)}); CURRENT=${words.length}; _pptp_gateway; print .`,
  },
  fish: {
    argv: (script) => ['--no-config', '-c', script],
    start: (file) => [`source ${file}`],
    ask: (words) => `complete -C "${words.join(' ')}" | string replace -r '\\t.*' ''; echo .`,
  },
};

const isThere = (shell: Shell): boolean => spawnSync(shell, ['-c', 'true']).status === 0;

describe.each(SHELLS)('completion in %s', (shell) => {
  const { argv, start, ask } = DRIVERS[shell];
  const offeredFor = (lines: readonly (readonly string[])[]): readonly (readonly string[])[] => {
    const file = join(folder, `script.${shell}`);
    const script = [...start(file), `cd ${folder}`, ...lines.map((words) => ask([PROGRAM, ...words]))].join('\n');
    const env = { PATH: `${folder}:${process.env['PATH'] ?? ''}`, HOME: folder };
    const said = execFileSync(shell, argv(script), { encoding: 'utf8', env, cwd: folder });
    return said
      .split(/^\.\n/m)
      .slice(0, -1)
      .map((one) =>
        one
          .split('\n')
          .filter((line) => line !== '')
          .toSorted(),
      );
  };
  const offered = (...words: readonly string[]): readonly string[] => offeredFor([words])[0] ?? [];

  it.runIf(isThere(shell))('offers the verbs, and those below', () => {
    expect(offered('')).toEqual(model.verbs.map(({ path }) => path).toSorted());
    expect(offered('se')).toEqual(['sessions']);
    expect(offered('sessions', '')).toEqual(['kick', 'list', 'set', 'show', 'watch']);
    expect(offered('sessions', 'k')).toEqual(['kick']);
  });

  it.runIf(isThere(shell))('offers flags, choices and files', () => {
    expect(offered('sessions', 'list', '--s')).toEqual(['--search', '--set', '--sort', '--state', '--state-dir']);
    expect(offered('sessions', 'list', '--state', '')).toEqual(['setup', 'up']);
    expect(offered('dial', '--mppe', 're')).toEqual(['required']);
    expect(offered('config', 'check', '--config', 'gate')).toEqual(['gateway.yaml']);
    expect(offered('completion', '')).toEqual([...SHELLS].toSorted());
    expect(offered('sessions', 'set', '--rate-up', '')).toEqual([]);
  });

  it.runIf(isThere(shell))('asks the running gateway for sessions and users', () => {
    expect(offered('sessions', 'show', '')).toEqual(['one-of-sessions', 'two-of-sessions']);
    expect(offered('sessions', 'kick', '--user', 'tw')).toEqual(['two-of-users']);
    expect(offered('users', 'remove', '')).toEqual(['one-of-users', 'two-of-users']);
    expect(offered('users', 'add', '')).toEqual([]);
    expect(offered('capture', '--tunnel', 'one')).toEqual(['one-of-sessions']);
  });

  it.runIf(isThere(shell))('knows every verb and flag of the program', () => {
    const verbs = allVerbs(model);
    const found = offeredFor(verbs.map(({ path }) => [...path.split(' '), '-']));
    for (const [index, { path, options }] of verbs.entries()) {
      expect(found[index], path).toEqual(expect.arrayContaining(options.flatMap(({ names }) => [...names])));
    }
  });
});

it.runIf(isThere('zsh'))('zsh finds it in a folder of fpath, too', () => {
  copyFileSync(join(folder, 'script.zsh'), join(folder, `_${PROGRAM}`));
  const script = [
    'fpath=($PWD $fpath); autoload -Uz compinit; compinit -u -D',
    ZSH_PRINTS,
    `words=(${PROGRAM} sess); CURRENT=2; "\${_comps[${PROGRAM}]}"; "\${_comps[${PROGRAM}]}"`,
  ].join('\n');
  expect(execFileSync('zsh', ['-f', '-c', script], { encoding: 'utf8', cwd: folder })).toBe('sessions\nsessions\n');
});

test.each(SHELLS)('the script for %s has every verb and flag in it', (shell) => {
  const script = completionScript(shell, PROGRAM, model);
  for (const verb of allVerbs(model)) {
    for (const { names } of verb.options) {
      expect(script).toContain(shell === 'fish' ? `-l ${(names[0] ?? '').slice(2)}` : names[0]);
    }
    expect(script).toContain(verb.path.replaceAll(' ', '/'));
  }
});

describe('the verb completion', () => {
  let gateway: FakeGateway;
  beforeEach(async () => {
    gateway = await fakeGateway();
  });
  afterEach(() => gateway.stop());
  const run = (...argv: readonly string[]) => runVerb(['completion', ...argv], { PPTP_ADMIN_SOCKET: gateway.socket });

  it('prints the script', async () => {
    const { code, text } = await run('bash');
    expect(code).toBe(0);
    expect(`${text}\n`).toBe(completionScript('bash', PROGRAM, model));
    expect((await run('tcsh')).code).toBe(2);
    expect((await run()).code).toBe(2);
  });

  it('prints what the gateway has, but nothing that a shell would take apart', async () => {
    gateway.on('GET /v1/sessions', { json: sessionsPage([sessionRow(), sessionRow({ id: '$(reboot)' })]) });
    gateway.on('GET /v1/users', {
      json: { users: [{ name: 'alice' }, { name: 'Jürgen' }, { name: 'a b' }, { name: '`x`' }] },
    });
    expect((await run('--values', 'sessions')).out).toEqual(['4f1c09aa21e7']);
    expect((await run('--values', 'users')).out).toEqual(['alice', 'Jürgen']);
  });
});
