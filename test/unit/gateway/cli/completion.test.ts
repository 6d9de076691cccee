import { execFileSync } from 'node:child_process';
import { chmodSync, mkdtempSync, rmSync, writeFileSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { afterAll, afterEach, beforeAll, beforeEach, describe, expect, it, test } from 'vitest';
import { completionScript, SHELLS } from '../../../../gateway/cli/completion.ts';
import { allVerbs, type VerbModel } from '../../../../gateway/cli/model.ts';
import { PROGRAM, programModel } from '../../../../gateway/cli/program.ts';
import { type FakeGateway, fakeGateway, runVerb } from '../../../support/fake-gateway.ts';
import { sessionRow, sessionsPage } from '../../../support/session-rows.ts';

const folder = mkdtempSync(join(tmpdir(), 'pptp-complete-'));
afterAll(() => rmSync(folder, { recursive: true }));
let model: VerbModel;
beforeAll(async () => {
  model = await programModel();
  writeFileSync(join(folder, 'script.bash'), completionScript('bash', PROGRAM, model));
  // In place of the gateway's answer.
  const stub = join(folder, PROGRAM);
  writeFileSync(stub, '#!/bin/bash\n[ "$1 $2" = "completion --values" ] && printf "%s\\n" "one-of-$3" "two-of-$3"\n');
  chmodSync(stub, 0o755);
  writeFileSync(join(folder, 'gateway.yaml'), '');
});

/** What bash offers for the last word of each of these command lines. */
const offeredFor = (lines: readonly (readonly string[])[]): readonly (readonly string[])[] => {
  const ask = lines.map((words) => {
    const all = [PROGRAM, ...words].map((word) => `'${word}'`).join(' ');
    return `COMP_WORDS=(${all}); COMP_CWORD=${words.length}; _pptp_gateway; printf '%s\\n' "\${COMPREPLY[@]}"; echo .`;
  });
  const script = [`source ${folder}/script.bash; cd ${folder}`, ...ask].join('\n');
  const env = { PATH: `${folder}:${process.env['PATH'] ?? ''}` };
  const said = execFileSync('bash', ['--norc', '-c', script], { encoding: 'utf8', env });
  return said
    .split(/^\.\n/m)
    .slice(0, -1)
    .map((one) => one.split('\n').filter((line) => line !== ''));
};
const offered = (...words: readonly string[]): readonly string[] => offeredFor([words])[0] ?? [];

describe('completion in bash', () => {
  it('offers the verbs, and those below', () => {
    expect(offered('')).toEqual(model.verbs.map(({ path }) => path));
    expect(offered('se')).toEqual(['sessions']);
    expect(offered('sessions', '')).toEqual(['list', 'show', 'kick', 'set', 'watch']);
    expect(offered('sessions', 'k')).toEqual(['kick']);
  });

  it('offers flags, choices and files', () => {
    expect(offered('sessions', 'list', '--s')).toEqual(['--state', '--search', '--sort', '--set', '--state-dir']);
    expect(offered('sessions', 'list', '--state', '')).toEqual(['setup', 'up']);
    expect(offered('dial', '--mppe', 're')).toEqual(['required']);
    expect(offered('config', 'check', '--config', 'gate')).toEqual(['gateway.yaml']);
    expect(offered('completion', '')).toEqual([...SHELLS]);
    expect(offered('sessions', 'set', '--rate-up', '')).toEqual([]);
  });

  it('asks the running gateway for sessions and users', () => {
    expect(offered('sessions', 'show', '')).toEqual(['one-of-sessions', 'two-of-sessions']);
    expect(offered('sessions', 'kick', '--user', 'tw')).toEqual(['two-of-users']);
    expect(offered('users', 'remove', '')).toEqual(['one-of-users', 'two-of-users']);
    expect(offered('users', 'add', '')).toEqual([]);
    expect(offered('capture', '--tunnel', 'one')).toEqual(['one-of-sessions']);
  });

  it('knows every verb and flag of the program', () => {
    const verbs = allVerbs(model);
    const found = offeredFor(verbs.map(({ path }) => [...path.split(' '), '-']));
    for (const [index, { path, options }] of verbs.entries()) {
      expect(found[index], path).toEqual(expect.arrayContaining(options.flatMap(({ names }) => [...names])));
    }
  });
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
