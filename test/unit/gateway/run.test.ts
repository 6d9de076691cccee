import { existsSync, mkdirSync, mkdtempSync, readdirSync, rmSync, writeFileSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { afterAll, describe, expect, it } from 'vitest';
import { loadConfig } from '../../../config/load.ts';
import { runGateway } from '../../../gateway/run.ts';

const folder = mkdtempSync(join(tmpdir(), 'pptp-run-'));
afterAll(() => rmSync(folder, { recursive: true }));

let cases = 0;
/** An empty folder of its own for a test. */
const place = (): string => {
  cases += 1;
  const path = join(folder, String(cases));
  mkdirSync(path);
  return path;
};

/** Ends before any device is opened, so that it needs no rights. */
const run = (stateDir: string, env: Readonly<Record<string, string>> = {}): Promise<number> =>
  runGateway(loadConfig({ env: { PPTP_STATE_DIR: stateDir, PPTP_LOG_LEVEL: 'error', ...env } }), '0.0.0');

describe('a start that fails', () => {
  it('says what to do when the state folder cannot be made', async () => {
    const file = join(place(), 'file');
    writeFileSync(file, '');
    await expect(run(join(file, 'state'))).rejects.toMatchObject({
      name: 'GatewayError',
      code: 'STATE_DIR',
      message: expect.stringMatching(/PPTP_STATE_DIR/),
    });
  });

  it('leaves no user behind whose password nobody was told, and no folder', async () => {
    const state = join(place(), 'new', 'state');
    await expect(run(state, { PPTP_PLUGINS: './no-such-plug-in.mjs' })).rejects.toMatchObject({
      code: 'PLUGIN_INVALID',
    });
    expect(existsSync(join(state, 'users.json'))).toBe(false);
    expect(existsSync(state)).toBe(false);
  });

  it('leaves what was there before as it was', async () => {
    const state = place();
    writeFileSync(join(state, 'users.json'), '{"version":1,"users":[]}\n', { mode: 0o600 });
    await expect(run(state, { PPTP_PLUGINS: './no-such-plug-in.mjs' })).rejects.toMatchObject({
      code: 'PLUGIN_INVALID',
    });
    expect(readdirSync(state)).toEqual(['users.json']);
  });

  it('is one when the user file cannot be used, before any device is opened', async () => {
    const state = place();
    writeFileSync(join(state, 'users.json'), 'no users here\n', { mode: 0o600 });
    await expect(run(state)).rejects.toMatchObject({ code: 'USERS_FILE' });
    expect(readdirSync(state)).toEqual(['users.json']);
  });
});
