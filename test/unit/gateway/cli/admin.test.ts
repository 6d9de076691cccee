import { afterEach, beforeEach, describe, expect, it } from 'vitest';
import { adminRequest } from '../../../../gateway/admin/client.ts';
import { explainLines } from '../../../../gateway/cli/explain.ts';
import { runCli } from '../../../../gateway/cli.ts';
import { type AdminRig, adminRig } from '../../../support/admin-rig.ts';
import { type JournalLab, journalLab } from '../../../support/journal-lab.ts';
import { memoryTerminal } from '../../../support/memory-terminal.ts';

let around: JournalLab;
let rig: AdminRig;
beforeEach(async () => {
  around = await journalLab({ env: { PPTP_GRE_SILENCE: '3' } });
  const { lab, journal } = around;
  rig = await adminRig({ gateway: lab.gateway, clock: lab.clock, deps: { journal } });
});
afterEach(async () => {
  await rig.stop();
  await around.lab.stop();
});

const never = (): never => {
  throw new Error('this verb was not asked for');
};

/** The command line with the socket of the gateway that runs here. */
const run = async (argv: readonly string[], env: Record<string, string> = { PPTP_ADMIN_SOCKET: rig.socket }) => {
  const out: string[] = [];
  const err: string[] = [];
  const code = await runCli(argv, {
    version: '1',
    env,
    terminal: memoryTerminal({ out: (line) => out.push(line), err: (line) => err.push(line) }),
    runGateway: never,
    dial: never,
    openUsers: never,
    examine: never,
  });
  return { code, out, err, text: out.join('\n') };
};

describe('log-level', () => {
  it('shows and changes it', async () => {
    expect((await run(['log-level'])).out).toEqual(['log level info']);
    expect((await run(['log-level', 'debug'])).out).toEqual(['log level debug (configured: info)']);
    expect((await run(['log-level', 'warn', '--for', '10m'])).out).toEqual(['log level warn, in 600 s info again']);
    expect(rig.deps.levels.state()).toEqual({ level: 'warn', configured: 'info', secondsLeft: 600 });
    expect(JSON.parse((await run(['log-level', 'info', '--json'])).text)).toEqual({
      level: 'info',
      configured: 'info',
    });
  });

  it.each([
    [['log-level', 'loud'], /One of debug, info, warn, error/],
    [['log-level', 'debug', '--for', '2d'], /90s, 10m or 2h/],
    [['log-level', 'debug', '--for', '25h'], /a day at most/],
    [['log-level', '--for', '10m'], /--for needs a level/],
  ])('%j is wrong usage', async (argv, says) => {
    const { code, err } = await run(argv);
    expect(code).toBe(2);
    expect(err.join('\n')).toMatch(says);
    expect(rig.deps.levels.state().level).toBe('info');
  });
});

describe('explain', () => {
  const filtered = async (): Promise<void> => {
    around.lab.wire.filter = () => false;
    await around.lab.dial();
    await around.lab.clock.advance(60_000);
  };

  it('says what happened, where and what to do, and shows the time line', async () => {
    await filtered();
    const { code, out, text } = await run(['explain', 'last-failure']);
    expect(code).toBe(0);
    expect(out[0]).toMatch(/^tunnel [0-9a-f]{12} failed; it began .* lasted \d+\.\d s$/);
    expect(text).toMatch(/failure {2}gre-not-arriving/);
    for (const word of ['what', 'where', 'do     -', '[lcp]  failed after', 'gre.blocked', 'packets    0 in']) {
      expect(text).toContain(word);
    }
    for (const line of out.filter((one) => /^ {2}(what|where|do|\s)/.test(one) && !/^ +\d/.test(one))) {
      expect(line.length).toBeLessThanOrEqual(100);
    }
  });

  it('is JSON for programs, with every field', async () => {
    await filtered();
    const answer = JSON.parse((await run(['explain', '203.0.113.1', '--json'])).text);
    expect(answer).toMatchObject({
      findings: [{ case: 'gre-not-arriving', severity: 'failure' }],
      record: {
        kind: 'tunnel',
        outcome: 'failed',
        user: null,
        error: 'no-gre',
        phases: [{ name: 'control', error: null }, { name: 'lcp' }],
        numbers: { packetsIn: 0 },
      },
    });
    expect(explainLines(answer).length).toBeGreaterThan(10);
  });

  it('names a tunnel by what belongs to it, and shows its numbers of the moment', async () => {
    await around.lab.connect();
    const { text } = await run(['explain', 'alice']);
    expect(text).toMatch(/is up; .*\n\ninfo {5}healthy/);
    expect(text).toMatch(/packets {4}[1-9]\d* in, [1-9]\d* out/);
  });

  it('says so when nothing is known', async () => {
    expect(await run(['explain', 'last-failure'])).toMatchObject({
      code: 0,
      out: [expect.stringMatching(/^No set-up has failed/)],
      err: [],
    });
    expect(await run(['explain', 'last-failure', '--json'])).toMatchObject({
      code: 1,
      err: [expect.stringMatching(/^pptp-gateway: ADMIN_REFUSED: No set-up has failed/)],
    });
    expect((await run(['explain', '../v1/gateway'])).err[0]).toMatch(/Nothing is known of \.\.\/v1\/gateway/);
  });
});

describe('without a gateway', () => {
  it('says where it looked', async () => {
    const { code, err } = await run(['explain', 'x'], { PPTP_STATE_DIR: '/nonexistent' });
    expect(code).toBe(3);
    expect(err).toEqual([
      expect.stringMatching(
        /^pptp-gateway: ADMIN_UNREACHABLE: no gateway answers on \/nonexistent\/admin\.sock: start it/,
      ),
    ]);
  });

  it('says that the socket is off', async () => {
    const { code, err } = await run(['explain', 'x'], { PPTP_ADMIN_SOCKET: 'off' });
    expect(code).toBe(3);
    expect(err[0]).toMatch(/PPTP_ADMIN_SOCKET is off/);
  });
});

describe('GET', () => {
  it('/v1/failures lists them, newest first', async () => {
    await around.lab.dial({ password: 'wrong' });
    await around.lab.clock.advance(60_000);

    const reply = await adminRequest(rig.socket, { method: 'GET', path: '/v1/failures' });
    expect(await reply.json()).toMatchObject({
      failures: [{ outcome: 'failed', user: 'alice', method: 'ms-chap-v2', error: 'authentication-failed' }],
    });
  });
});
