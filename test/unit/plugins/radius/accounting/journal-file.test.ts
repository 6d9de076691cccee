import { mkdirSync, readdirSync, readFileSync, rmSync } from 'node:fs';
import { join } from 'node:path';
import { expect, test } from 'vitest';
import { JournalFile, readJournal } from '../../../../../plugins/radius/accounting/journal-file.ts';
import { temporaryFolder } from '../../../../support/accounting-rig.ts';
import { ManualClock } from '../../../../support/manual-clock.ts';
import { MemoryLog } from '../../../../support/memory-log.ts';

const journalIn = (folder: string, slack = 1000) => {
  const clock = new ManualClock();
  const log = new MemoryLog();
  /** What the snapshot says. */
  const now: string[] = [];
  const path = join(folder, 'spool');
  const journal = new JournalFile({ path, clock, log, slack, snapshot: () => [...now], mostWaiting: 100 });
  return { clock, log, now, path, journal, text: () => readFileSync(path, 'utf8') };
};

test('lines are on the disk, in order, when it has settled', async () => {
  const { journal, now, text } = journalIn(temporaryFolder());
  now.push('snapshot\n');
  await journal.start();
  for (const line of ['a\n', 'b\n']) journal.append(line);
  await journal.settled();
  journal.append('c\n');
  await journal.close();
  expect(text()).toBe('snapshot\na\nb\nc\n');
});

test('a file that has grown too much is written anew from the snapshot', async () => {
  const { journal, now, text } = journalIn(temporaryFolder(), 20);
  await journal.start();
  now.push('all\n');
  journal.append('0123456789012345678901234\n');
  await journal.settled();
  journal.append('x\n');
  await journal.close();
  expect(text()).toBe('all\nx\n');
});

test('what comes while a file is written anew is in the old one, too, until the new one is there', async () => {
  const clock = new ManualClock();
  const path = join(temporaryFolder(), 'spool');
  const big = `${'x'.repeat(2 << 20)}\n`;
  const old: string[] = [];
  let times = 0;
  function* snapshot(): Iterable<string> {
    times += 1;
    if (times === 1) return;
    for (const name of ['first\n', 'second\n', 'third\n']) {
      yield big;
      old.push(readFileSync(path, 'utf8'));
      journal.append(name);
    }
    yield big;
    old.push(readFileSync(path, 'utf8'));
  }
  const journal: JournalFile = new JournalFile({ path, clock, log: new MemoryLog(), slack: 20, snapshot });
  await journal.start();
  const line = '0123456789012345678901234\n';
  journal.append(line);
  await journal.close();
  expect(old).toEqual([line, `${line}first\n`, `${line}first\nsecond\n`, `${line}first\nsecond\nthird\n`]);
  expect(readFileSync(path, 'utf8')).toBe(`${big.repeat(4)}first\nsecond\nthird\n`);
});

test('a draft that could not be finished takes no room on the disk', async () => {
  const folder = temporaryFolder();
  const path = join(folder, 'spool');
  let times = 0;
  function* snapshot(): Iterable<string> {
    times += 1;
    if (times === 1) return;
    yield 'x'.repeat(2 << 20);
    throw new Error('no space left');
  }
  const journal = new JournalFile({ path, clock: new ManualClock(), log: new MemoryLog(), slack: 20, snapshot });
  await journal.start();
  journal.append('0123456789012345678901234\n');
  await journal.close();
  expect(readdirSync(folder)).toEqual(['spool']);
});

test('a disk that fails is complained of once; when it works again, the snapshot is there', async () => {
  const folder = temporaryFolder();
  const { journal, now, text, clock, log } = journalIn(folder, 20);
  await journal.start();
  rmSync(folder, { recursive: true });
  journal.append('01234567890123456789\n');
  await journal.settled();
  for (let i = 0; i < 3; i += 1) {
    journal.append('lost from the file, not from the snapshot\n');
    await journal.settled();
    clock.advance(5_000);
    await journal.settled();
  }
  expect(log.events('error')).toEqual(['radius.spool-unwritable']);
  mkdirSync(folder);
  now.push('everything\n');
  clock.advance(5_000);
  await journal.settled();
  expect(log.events('info')).toEqual(['radius.spool-written']);
  await journal.close();
  expect(text()).toBe('everything\n');
});

test('what waits for a slow disk is bounded: beyond that the file is written anew', async () => {
  const { journal, now, text } = journalIn(temporaryFolder());
  await journal.start();
  now.push('snapshot\n');
  for (let i = 0; i < 50; i += 1) journal.append('0123456789\n');
  await journal.close();
  expect(text().length).toBeLessThan(150);
  expect(text()).toContain('snapshot\n');
});

test('without a file there is no text', async () => {
  const pieces: string[] = [];
  await readJournal(join(temporaryFolder(), 'none'), (piece) => pieces.push(piece));
  expect(pieces).toEqual([]);
});
