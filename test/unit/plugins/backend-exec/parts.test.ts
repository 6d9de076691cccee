import { chmod, mkdtemp, rm, writeFile } from 'node:fs/promises';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import fc from 'fast-check';
import { afterAll, beforeAll, describe, expect, it } from 'vitest';
import { Lines } from '../../../../plugins/backend-exec/lines.ts';
import { checkExecOptions, execSettings } from '../../../../plugins/backend-exec/options.ts';
import { checkProgram } from '../../../../plugins/backend-exec/program-check.ts';
import { execOptions } from '../../../support/exec-options.ts';

describe('lines', () => {
  it('are the same however the stream is cut', () => {
    fc.assert(
      fc.property(fc.array(fc.stringMatching(/^[a-zé]{0,12}$/)), fc.array(fc.nat(40)), (words, cuts) => {
        const octets = Buffer.from(words.map((word) => `${word}\n`).join(''));
        const lines = new Lines(8);
        const out: (string | undefined)[] = [];
        let from = 0;
        for (const cut of [...cuts, octets.length]) {
          out.push(...lines.push(octets.subarray(from, from + cut)));
          from += cut;
        }
        expect(out).toEqual(words.map((word) => (Buffer.byteLength(word) > 8 ? undefined : word)));
        expect(lines.overlong).toBe(false);
      }),
    );
  });

  it('without an end are seen when they get too long, and held no longer', () => {
    const lines = new Lines(8);
    expect([lines.push(Buffer.from('12345678')), lines.overlong]).toEqual([[], false]);
    expect([lines.push(Buffer.from('9')), lines.overlong]).toEqual([[], true]);
    expect([lines.push(Buffer.from('\r\nnext\r\n')), lines.overlong]).toEqual([[undefined, 'next'], false]);
  });
});

describe('the settings', () => {
  const { environment, command, arguments: args } = execSettings;

  it('take an environment as a list', () => {
    expect(environment.kind.parse('PATH=/usr/bin:/bin, LDAP_URL=ldap://x/?a=b,')).toEqual({
      PATH: '/usr/bin:/bin',
      LDAP_URL: 'ldap://x/?a=b',
    });
    expect(environment.kind.parse(['A=b,c'])).toEqual({ A: 'b,c' });
    expect(environment.kind.parse('')).toEqual({});
    for (const wrong of ['PATH', '=x', '1A=b', 'A B=c', ['A=b\n'], [1], { A: 'b' }, 7]) {
      expect(environment.kind.parse(wrong)).toBeUndefined();
    }
  });

  it('want a program by its path, and both user and group', () => {
    expect([command.kind.parse('/bin/true'), command.kind.parse('true')]).toEqual(['/bin/true', undefined]);
    expect(args.kind.parse('-u, /etc/ask.py')).toEqual(['-u', '/etc/ask.py']);
    expect(checkExecOptions(execOptions({ uid: 65534 }))).toEqual(['uid and gid go together']);
    expect(checkExecOptions(execOptions({ uid: 65534, gid: 65534 }))).toEqual([]);
  });
});

describe('the program is looked at before it is run', () => {
  let folder = '';
  const file = (name: string): string => join(folder, name);
  beforeAll(async () => {
    folder = await mkdtemp(join(tmpdir(), 'exec-'));
    for (const [name, mode] of [
      ['good', 0o755],
      ['open', 0o777],
      ['text', 0o644],
    ] as const) {
      await writeFile(file(name), '#!/bin/sh\n');
      await chmod(file(name), mode);
    }
  });
  afterAll(() => rm(folder, { recursive: true }));
  const fault = async (changes: Partial<Parameters<typeof checkProgram>[0]>, uid = 1000): Promise<string> => {
    const options = { ...execOptions({ command: file('good') }), ...changes };
    return checkProgram(options, { uid, gid: uid }).then(
      () => 'none',
      (cause: Error) => cause.message,
    );
  };

  it('must be there, be executable, and not be everybody’s', async () => {
    expect(await fault({})).toBe('none');
    expect(await fault({ command: file('none') })).toContain('there is no program');
    expect(await fault({ command: folder })).toContain('there is no program');
    expect(await fault({ command: file('open') })).toContain('chmod o-w');
    expect(await fault({ command: file('text') })).toContain('chmod +x');
    expect(await fault({ folder: file('good') })).toContain('there is no folder');
  });

  it('runs as somebody else only for root', async () => {
    const nobody = { uid: 65534, gid: 65534 };
    expect(await fault(nobody)).toContain('only root');
    expect(await fault(nobody, 0)).toBe('none');
    expect(await fault({ uid: 1000, gid: 1000 })).toBe('none');
  });

  it('runs as somebody else only for a root who may do it: in a container that is not every root', async () => {
    const nobody = execOptions({ command: file('good'), uid: 65534, gid: 65534 });
    const root = { uid: 0, gid: 0 };
    await expect(checkProgram(nobody, { ...root, capabilities: 0x3000n })).rejects.toThrow(
      'lacks CAP_KILL, CAP_SETGID, CAP_SETUID',
    );
    await expect(checkProgram(nobody, { ...root, capabilities: 0xc0n })).rejects.toThrow('lacks CAP_KILL:');
    await checkProgram(nobody, { ...root, capabilities: 0xe0n });
    await checkProgram({ ...nobody, ...root }, { ...root, capabilities: 0n });
  });
});
