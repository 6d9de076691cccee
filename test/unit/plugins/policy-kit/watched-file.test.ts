import { mkdtempSync, renameSync, rmSync, utimesSync, writeFileSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { describe, expect, it } from 'vitest';
import { WatchedFile } from '../../../../plugins/policy-kit/watched-file.ts';
import { FakeClock } from '../../../support/fake-clock.ts';
import { MemoryLog } from '../../../support/memory-log.ts';

const bench = async (text: string) => {
  const path = join(mkdtempSync(join(tmpdir(), 'watched-')), 'rules.yaml');
  let stamp = 0;
  const write = (next: string, to = path): void => {
    writeFileSync(to, next);
    stamp += 1;
    utimesSync(to, stamp, stamp);
  };
  write(text);
  const [log, clock] = [new MemoryLog(), new FakeClock()];
  let whileReading: (() => void) | undefined;
  const read = (tree: unknown): string => {
    whileReading?.();
    whileReading = undefined;
    return JSON.stringify(tree);
  };
  const file = new WatchedFile({ name: 'policy-test', path, read, log, clock });
  await file.load();
  return {
    path,
    log,
    write,
    whileReading: (action: () => void) => {
      whileReading = action;
    },
    current: async () => {
      await clock.advance(1_500);
      return await file.current();
    },
  };
};

describe('a file of rules', () => {
  it('is not taken for one without rules while it is written: an empty one says nothing', async () => {
    const { write, current, log } = await bench('rules: 1');
    write('');
    expect(await current()).toBe('{"rules":1}');
    write('# rules: 2\n');
    expect(await current()).toBe('{"rules":1}');
    expect(log.lines.map(({ event }) => event)).toContain('policy.file-refused');
    write('rules: 2');
    expect(await current()).toBe('{"rules":2}');
    write('{}');
    expect(await current()).toBe('{}');
    await expect(bench('')).rejects.toMatchObject({ code: 'CONFIG_FILE' });
  });

  it('that changes while it is read is not used', async () => {
    const { write, current, whileReading, log } = await bench('rules: 1');
    write('first: 2');
    whileReading(() => write('first: 2\nsecond: 2'));
    expect(await current()).toBe('{"rules":1}');
    expect(await current()).toBe('{"first":2,"second":2}');
    expect(log.lines.map(({ event }) => event)).toEqual(['policy.file-read']);
  });

  it('is read again when another one takes its place, and stays in force while it is away', async () => {
    const { path, write, current, log } = await bench('rules: 1');
    rmSync(path);
    expect(await current()).toBe('{"rules":1}');
    write('rules: 2', `${path}.new`);
    renameSync(`${path}.new`, path);
    expect(await current()).toBe('{"rules":2}');
    expect(log.lines.map(({ event }) => event)).toEqual(['policy.file-refused', 'policy.file-read']);
  });
});
