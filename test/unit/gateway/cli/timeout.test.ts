import { afterEach, beforeEach, describe, expect, it, vi } from 'vitest';
import { gatewayAt } from '../../../../gateway/cli/running-gateway.ts';
import { whileWaiting } from '../../../../gateway/cli/while-waiting.ts';
import { eventText, type FakeGateway, fakeGateway, runVerb } from '../../../support/fake-gateway.ts';
import { sessionRow, sessionsPage } from '../../../support/session-rows.ts';

let gateway: FakeGateway;
beforeEach(async () => {
  gateway = await fakeGateway();
});
afterEach(() => gateway.stop());

const run = (argv: string) => runVerb(argv.split(' '), { PPTP_ADMIN_SOCKET: gateway.socket });

describe('a gateway that takes the connection and says nothing', () => {
  it.each([
    ['sessions list', 'GET /v1/sessions'],
    ['pools', 'GET /v1/pools'],
    ['events', 'GET /v1/events'],
    ['sessions watch --json', 'GET /v1/sessions/stream'],
  ])('does not keep %s waiting', async (verb, asked) => {
    gateway.on(asked, { silent: true });
    expect(await run(`${verb} --timeout 0.05`)).toMatchObject({
      code: 3,
      out: [],
      err: [
        `pptp-gateway: ADMIN_UNREACHABLE: what listens on ${gateway.socket} did not answer in 0.05 s: it is busy or hangs. See its log, or wait longer with --timeout.`,
      ],
    });
  });

  it.each([
    ['reload', 'POST /v1/reload'],
    ['upgrade', 'POST /v1/upgrade'],
    ['drain', 'POST /v1/drain'],
    ['drain --cancel', 'DELETE /v1/drain'],
  ])('may have done what %s wants', async (verb, asked) => {
    gateway.on(asked, { silent: true });
    const { code, err } = await run(`${verb} --timeout 0.05`);
    expect([code, err[0]]).toEqual([3, expect.stringContaining('What was asked for may be done all the same.')]);
  });

  it('is not edited behind its back', async () => {
    gateway.on('GET /v1/users', { silent: true });
    // Opening the file would be an internal error here.
    expect((await run('users list --timeout 0.05')).code).toBe(3);
  });

  it.each([[''], ['{"total":']])('in the middle of an answer (%j) is not waited for either', async (part) => {
    const halt = {
      stream: (response: { write(text: string): void; flushHeaders(): void }) => {
        response.flushHeaders();
        if (part !== '') response.write(part);
      },
    };
    gateway.on('GET /v1/sessions', halt);
    expect(await run('sessions list --timeout 0.05')).toMatchObject({
      code: 3,
      err: [expect.stringContaining('did not answer in 0.05 s')],
    });
  });
});

it.each(['0', 'x', '-1', '1e3', '99999'])('--timeout %s is wrong usage', async (seconds) => {
  expect((await run(`status --timeout ${seconds}`)).code).toBe(2);
  expect(gateway.asked).toEqual([]);
});

it('--timeout is for any answer, and the default gives a gateway its time', async () => {
  gateway.on('GET /v1/sessions', { json: sessionsPage([sessionRow()]) });
  expect((await run('sessions list --timeout 600')).code).toBe(0);
});

describe('a stream', () => {
  const events = async (silenceMs: number, most: number): Promise<number> => {
    let seen = 0;
    const abort = new AbortController();
    for await (const _ of gatewayAt(gateway.socket, { silenceMs }).follow('/v1/events', abort.signal)) {
      seen += 1;
      if (seen === most) break;
    }
    return seen;
  };

  it('that is silent is given up, also behind its first events', async () => {
    gateway.on('GET /v1/events', { stream: (response) => response.write(eventText('life', {})) });
    await expect(events(50, 2)).rejects.toMatchObject({
      code: 'ADMIN_UNREACHABLE',
      message: 'the gateway has said nothing for 0.05 s: it is busy or hangs; see its log.',
    });
  });
});

describe('while somebody waits', () => {
  afterEach(() => {
    vi.useRealTimers();
  });

  it('it is shown each second how long it takes, and taken away at the end', async () => {
    vi.useFakeTimers();
    const lines: string[] = [];
    let done: (value: string) => void = () => undefined;
    const work = new Promise<string>((resolve) => {
      done = resolve;
    });
    const waited = whileWaiting({ progress: (line) => lines.push(line) }, 'reading', work);
    vi.advanceTimersByTime(2_000);
    expect(lines).toEqual(['reading (1 s)', 'reading (2 s)']);
    done('read');
    expect(await waited).toBe('read');
    expect(lines.at(-1)).toBe('');
    expect(vi.getTimerCount()).toBe(0);
  });

  it('what is quick shows nothing', async () => {
    const lines: string[] = [];
    const progress = (line: string) => lines.push(line);
    await expect(whileWaiting({ progress }, 'reading', Promise.reject(new Error('no')))).rejects.toThrow('no');
    expect(lines).toEqual([]);
  });
});
