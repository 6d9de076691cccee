import { execFileSync, spawn } from 'node:child_process';
import { mkdtempSync, readdirSync, readFileSync, rmSync, writeFileSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join, resolve } from 'node:path';
import { afterEach, beforeEach, describe, expect, test } from 'vitest';
import { unlessDone } from '../../../setup/lib/turns.mjs';

let folder: string;
beforeEach(() => {
  folder = mkdtempSync(join(tmpdir(), 'pptp-turns-'));
});
afterEach(() => rmSync(folder, { recursive: true, force: true }));

const never = (): Promise<boolean> => Promise.resolve(false);

describe('a step of the set-up', () => {
  test('is left out when it is done, without a trace', async () => {
    await unlessDone(
      () => Promise.resolve(true),
      () => Promise.reject(new Error('done twice')),
      folder,
    );
    expect(readdirSync(folder)).toEqual([]);
  });

  test('is done by one at a time, also when it fails, and the folder is left as it was', async () => {
    const order: string[] = [];
    const step = (name: string, fails: boolean) => async (): Promise<void> => {
      order.push(`${name} begins`);
      for (let turn = 0; turn < 20; turn += 1) await new Promise(setImmediate);
      order.push(`${name} ends`);
      if (fails) throw new Error(name);
    };
    const done = await Promise.allSettled([
      unlessDone(never, step('a', true), folder),
      unlessDone(never, step('b', false), folder),
      unlessDone(never, step('c', false), folder),
    ]);
    expect(done.map(({ status }) => status)).toEqual(['rejected', 'fulfilled', 'fulfilled']);
    expect(order).toHaveLength(6);
    for (const at of [0, 2, 4]) expect(order[at + 1]).toBe(order[at]?.replace('begins', 'ends'));
    expect(readdirSync(folder)).toEqual([]);
  });

  test('is left out by who waited while another one did it', async () => {
    let done = 0;
    const isDone = (): Promise<boolean> => Promise.resolve(done > 0);
    const work = async (): Promise<void> => {
      await new Promise(setImmediate);
      done += 1;
    };
    await Promise.all([1, 2, 3].map(() => unlessDone(isDone, work, folder)));
    expect(done).toBe(1);
  });

  test.each([
    ['of a process that has ended', () => `${execFileSync('sh', ['-c', 'echo $$']).toString().trim()} 1`],
    ['of an earlier process with the number of one that lives', () => `${process.pid} 1`],
    ['with nothing in it', () => ''],
  ])('does not wait for a turn %s', async (_, left) => {
    writeFileSync(join(folder, 'set-up.lock'), left());
    let done = 0;
    await unlessDone(
      never,
      async () => {
        done += 1;
      },
      folder,
    );
    expect(done).toBe(1);
    expect(readdirSync(folder)).toEqual([]);
  });

  test('is done by many processes one after the other', async () => {
    const log = join(folder, 'log');
    const code = `
      import { appendFileSync } from 'node:fs';
      import { unlessDone } from ${JSON.stringify(resolve('setup/lib/turns.mjs'))};
      const work = async () => {
        appendFileSync(${JSON.stringify(log)}, process.pid + ' begins\\n');
        await new Promise(setImmediate);
        appendFileSync(${JSON.stringify(log)}, process.pid + ' ends\\n');
      };
      await unlessDone(async () => false, work, ${JSON.stringify(join(folder, 'turns'))});`;
    const ends = [1, 2, 3, 4].map(() => {
      const child = spawn(process.execPath, ['--input-type=module', '--eval', code], { stdio: 'ignore' });
      return new Promise((settle) => child.on('close', settle));
    });
    expect(await Promise.all(ends)).toEqual([0, 0, 0, 0]);
    const lines = readFileSync(log, 'utf8').trim().split('\n');
    expect(lines).toHaveLength(8);
    for (const at of [0, 2, 4, 6]) expect(lines[at + 1]).toBe(lines[at]?.replace('begins', 'ends'));
  });
});
