import { execFile, spawn } from 'node:child_process';
import { once } from 'node:events';
import { closeSync, openSync } from 'node:fs';
import { pathToFileURL } from 'node:url';
import { promisify } from 'node:util';
import { describe, expect, test } from 'vitest';

describe('the end of the process', () => {
  const module = pathToFileURL(`${process.cwd()}/dist/observability/logger.js`).href;
  const run = async (ending: string): Promise<unknown[]> => {
    const code = `import { createLog } from ${JSON.stringify(module)};
      const log = createLog({ level: 'info', format: 'json' });
      for (let line = 0; line < 50; line += 1) log.info('test.line', 'A line.', { line });
      ${ending}`;
    const script = ['--input-type=module', '-e', code];
    const done = promisify(execFile)(process.execPath, script).catch((error: { stdout: string }) => error);
    return (await done).stdout
      .trim()
      .split('\n')
      .map((line) => JSON.parse(line));
  };

  test.each([
    ['process.exit', 'process.exit(3);'],
    ['an exception that nobody catches', 'throw new Error("bug");'],
    ['a rejection that nobody catches', 'await Promise.reject(new Error("bug"));'],
    [
      'a signal that is answered with an exit',
      'process.once("SIGTERM", () => process.exit(1)); process.kill(process.pid, "SIGTERM"); setInterval(() => {}, 1000);',
    ],
    ['nothing left to do', ''],
  ])('comes after every line: %s', async (_name, ending) => {
    const lines = await run(ending);
    expect(lines).toHaveLength(50);
    expect(lines.at(-1)).toMatchObject({ line: 49 });
  });

  test('an error is written at once, with what came before it', async () => {
    const lines = await run('log.error("test.error", "An error."); process.kill(process.pid, "SIGKILL");');
    expect(lines).toHaveLength(51);
    expect(lines.at(-1)).toMatchObject({ event: 'test.error' });
  });
});

describe('standard output that takes nothing', () => {
  const module = pathToFileURL(`${process.cwd()}/dist/observability/logger.js`).href;

  test('a full disk does not end the process', async () => {
    const code = `import { createLog } from ${JSON.stringify(module)};
      const log = createLog({ level: 'info', format: 'json' });
      for (let line = 0; line < 50; line += 1) log.info('test.line', 'x'.repeat(100_000), { line });
      setTimeout(() => { log.error('test.error', 'An error.'); process.exitCode = 7; }, 1);`;
    const full = openSync('/dev/full', 'w');
    try {
      const child = spawn(process.execPath, ['--input-type=module', '-e', code], {
        stdio: ['ignore', full, 'inherit'],
      });
      expect(await once(child, 'exit')).toEqual([7, null]);
    } finally {
      closeSync(full);
    }
  });

  test('a reader that has gone does not, either', async () => {
    const code = `import { createLog } from ${JSON.stringify(module)};
      const log = createLog({ level: 'info', format: 'json' });
      process.once('SIGUSR2', () => {
        for (let line = 0; line < 50; line += 1) log.info('test.line', 'A line.', { line });
        setTimeout(() => process.exit(7), 1);
      });
      log.info('test.ready', 'Ready.');
      setInterval(() => {}, 1000);`;
    const child = spawn(process.execPath, ['--input-type=module', '-e', code], {
      stdio: ['ignore', 'pipe', 'inherit'],
    });
    await once(child.stdout, 'data');
    child.stdout.destroy();
    await once(child.stdout, 'close');
    child.kill('SIGUSR2');
    expect(await once(child, 'exit')).toEqual([7, null]);
  });
});
