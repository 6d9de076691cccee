import { link, mkdir, readFile, rename, rm, writeFile } from 'node:fs/promises';
import { join } from 'node:path';
import { setTimeout as sleep } from 'node:timers/promises';
import { cache } from './paths.mjs';
import { say } from './script.mjs';

const LOOK_MS = 200;

/** A process by its number and the time that it began, since numbers come again; undefined where there is none. */
const processOf = async (pid) => {
  const text = await readFile(`/proc/${pid}/stat`, 'utf8').catch(() => undefined);
  // The name stands in parentheses and may hold anything; the time is the 20th word behind it.
  return text === undefined ? undefined : `${pid} ${text.slice(text.lastIndexOf(')') + 2).split(' ')[19]}`;
};

let attempts = 0;

/** Takes the turn; false while another process has it. */
const take = async (lock, own) => {
  attempts += 1;
  const mine = `${lock}.${process.pid}.${attempts}`;
  await writeFile(mine, own);
  try {
    // It is there whole or not at all.
    await link(mine, lock);
    return true;
  } catch (error) {
    if (error.code !== 'EEXIST') throw error;
    return false;
  } finally {
    await rm(mine, { force: true });
  }
};

/** Who had the turn and died leaves the file behind. */
const takeAway = async (lock, holder) => {
  const aside = `${lock}.${process.pid}.left`;
  await rename(lock, aside).catch(() => undefined);
  // Between the look and this somebody else may have done the same, and taken the turn.
  if ((await readFile(aside, 'utf8').catch(() => holder)) !== holder) await link(aside, lock).catch(() => undefined);
  await rm(aside, { force: true });
};

const waitForTurn = async (lock, own) => {
  let told;
  while (!(await take(lock, own))) {
    const holder = await readFile(lock, 'utf8').catch(() => undefined);
    if (holder === undefined) continue;
    const [pid = ''] = holder.split(' ');
    if ((await processOf(pid)) !== holder) {
      await takeAway(lock, holder);
      continue;
    }
    if (told !== holder) say(`process ${pid} sets this checkout up; waiting for it`);
    told = holder;
    await sleep(LOOK_MS);
  }
};

/**
 * Does `work` unless `isDone`, one process of a checkout at a time: two that install packages at once take them away from
 * under each other. Who had to wait looks again whether there is something left to do.
 *
 * @param {() => Promise<boolean>} isDone
 * @param {() => Promise<unknown>} work
 * @param {string} folder where the turn is written down
 */
export const unlessDone = async (isDone, work, folder = cache) => {
  if (await isDone()) return;
  await mkdir(folder, { recursive: true });
  const lock = join(folder, 'set-up.lock');
  await waitForTurn(lock, (await processOf(process.pid)) ?? `${process.pid} here`);
  try {
    if (!(await isDone())) await work();
  } finally {
    await rm(lock, { force: true });
  }
};
