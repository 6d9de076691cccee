import { mkdtempSync, rmSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { afterAll, beforeAll, describe, expect, it } from 'vitest';
import { MAIN, notBuilt } from '../support/built.ts';
import { Netns, netnsUnavailable } from '../support/netns.ts';
import { Program } from '../support/program.ts';

const reason = netnsUnavailable() ?? notBuilt();
/** A collector that takes connections and never answers. */
const MUTE = `require('node:net').createServer(() => {}).listen(4318, '127.0.0.1', () => console.log('mute'))`;

describe.skipIf(reason !== undefined)(`a collector that never answers${reason ? ` (skipped: ${reason})` : ''}`, () => {
  let ns: Netns;
  let collector: Program;
  let folder: string;
  beforeAll(async () => {
    ns = new Netns('mc');
    folder = mkdtempSync(join(tmpdir(), 'pptp-mute-'));
    collector = new Program(ns, [process.execPath, '-e', MUTE], {});
    await collector.says(/mute/);
  });
  afterAll(async () => {
    await collector?.end('SIGKILL');
    ns?.destroy();
    rmSync(folder, { recursive: true, force: true });
  });

  it('does not keep the process, however long it may take to answer', async () => {
    const env = {
      PPTP_STATE_DIR: folder,
      OTEL_EXPORTER_OTLP_ENDPOINT: 'http://127.0.0.1:4318',
      OTEL_EXPORTER_OTLP_TIMEOUT: '600000',
    };
    const command = [process.execPath, MAIN, 'dial', '127.0.0.1', '--port', '9', '--once', '--user', 'alice'];
    const dial = new Program(ns, command, env, 'wonder land\n');
    try {
      await dial.says(/telemetry\.unsent/);
      expect(await dial.end()).toBe(1);
    } finally {
      await dial.end('SIGKILL');
    }
  }, 60_000);
});
